package main

import (
	"context"
	"fmt"
	"math"
	"os/signal"
	"syscall"
	"time"

	log "github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	commitclient "github.com/argoproj/argo-cd/v3/commitserver/apiclient"
	"github.com/argoproj/argo-cd/v3/controller"
	"github.com/argoproj/argo-cd/v3/controller/sharding"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	appclientset "github.com/argoproj/argo-cd/v3/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-cd/v3/pkg/ratelimiter"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/argo"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	cacheutil "github.com/argoproj/argo-cd/v3/util/cache"
	appstatecache "github.com/argoproj/argo-cd/v3/util/cache/appstate"
	kubeutil "github.com/argoproj/argo-cd/v3/util/kube"
	"github.com/argoproj/argo-cd/v3/util/settings"
)

// options are what differs between clusters; all else is Argo CD's own default.
type options struct {
	kubeconfig  string
	namespace   string
	repoServer  string
	metricsPort int
	resync      time.Duration
	namespaces  []string
	cache       func() (*appstatecache.Cache, error)
}

func controllerCommand() *cobra.Command {
	chosen := options{}
	command := &cobra.Command{
		Use:           "controller",
		Short:         "Argo CD's application controller, with its metrics on 127.0.0.1",
		SilenceUsage:  true,
		SilenceErrors: false,
		RunE: func(command *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(command.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return chosen.run(ctx)
		},
	}
	flags := command.Flags()
	flags.StringVar(&chosen.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster")
	flags.StringVar(&chosen.namespace, "namespace", "argocd", "Argo CD's own namespace")
	flags.StringVar(&chosen.repoServer, "repo-server", "", "address of the repo server")
	flags.IntVar(&chosen.metricsPort, "metrics-port", 8082, "port of metrics and health on 127.0.0.1")
	flags.DurationVar(&chosen.resync, "app-resync", 3*time.Minute, "how often applications are compared without a reason")
	flags.StringSliceVar(&chosen.namespaces, "application-namespaces", nil, "further namespaces in which Applications count")
	chosen.cache = appstatecache.AddCacheFlagsToCmd(command, cacheutil.Options{})
	return command
}

func (o *options) run(ctx context.Context) error {
	rest, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	if err = v1alpha1.SetK8SConfigDefaults(rest); err != nil {
		return err
	}
	rest.UserAgent = "argocd-application-controller/v3"
	cache, err := o.cache()
	if err != nil {
		return err
	}
	cache.Cache.SetClient(cacheutil.NewTwoLevelClient(cache.Cache.GetClient(), 10*time.Minute))
	instance, err := o.build(ctx, clients{kubernetes.NewForConfigOrDie(rest), appclientset.NewForConfigOrDie(rest)}, cache)
	if err != nil {
		return err
	}
	// The constructor binds to every interface.
	instance.GetMetricsServer().Addr = fmt.Sprintf("127.0.0.1:%d", o.metricsPort)
	go instance.Run(ctx, 20, 10)
	<-ctx.Done()
	return nil
}

// clients are the two clients of the cluster: of Kubernetes' kinds and of Argo CD's.
type clients struct {
	kube *kubernetes.Clientset
	apps *appclientset.Clientset
}

func (o *options) build(ctx context.Context, client clients, cache *appstatecache.Cache) (*controller.ApplicationController, error) {
	var instance *controller.ApplicationController
	manager := settings.NewSettingsManager(ctx, client.kube, o.namespace,
		settings.WithRepoOrClusterChangedHandler(func() { instance.InvalidateProjectsCache() }))
	shards, err := sharding.GetClusterSharding(client.kube, manager, "legacy", false)
	if err != nil {
		return nil, err
	}
	limits := ratelimiter.AppControllerRateLimiterConfig{
		BucketSize: 500, BucketQPS: math.MaxFloat64,
		BaseDelay: time.Millisecond, MaxDelay: time.Second, BackoffFactor: 1.5,
	}
	backoff := &wait.Backoff{Duration: 2 * time.Second, Factor: 3, Cap: 300 * time.Second}
	log.SetFormatter(&log.TextFormatter{DisableColors: true})
	instance, err = controller.NewApplicationController(
		o.namespace, manager, client.kube, client.apps,
		apiclient.NewRepoServerClientset(o.repoServer, 60, apiclient.TLSConfiguration{DisableTLS: true}),
		commitclient.NewCommitServerClientset(""),
		cache, kubeutil.NewKubectl(),
		o.resync, 0, 0, // compared every so often, never without caches, without jitter
		0, backoff, 330*time.Second, // healing itself at once, then ever more slowly
		0, 2*o.resync, // no limit on a sync; how long errors of the repo server are borne
		o.metricsPort, 0, nil, nil, nil,
		20, false, shards, o.namespaces, &limits,
		false, false, normalizers.IgnoreNormalizerOpts{}, argo.DefaultEnableEventList(), false,
	)
	return instance, err
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
)

// What the controller manager runs; the rest would only use memory.
var controllers = []string{
	"namespace-controller", "garbage-collector-controller", "serviceaccount-controller",
	"root-ca-certificate-publisher-controller", "deployment-controller", "replicaset-controller",
	"statefulset-controller", "daemonset-controller", "job-controller", "cronjob-controller",
	"endpointslice-controller", "persistentvolume-binder-controller",
	"persistentvolumeclaim-protection-controller", "disruption-controller",
	"clusterrole-aggregation-controller", "resourcequota-controller",
	// Without it no pod is ever placed: it alone takes the not-ready taint off a new node.
	"node-lifecycle-controller",
}

// Cluster is one Kubernetes with its Argo CD, operators and gateway.
type Cluster struct {
	site   *Site
	name   string
	region string
	// number tells clusters apart where they share something.
	number int
	folder string
	ports  clusterPorts
	// admin is how the supervisor itself reaches the API server.
	admin      *rest.Config
	kubeconfig string
}

type clusterPorts struct {
	etcd, etcdPeer, api, controllers, scheduler, kwok int
	repo, repoMetrics, argo, proxy                    int
	ingress, gateway, faults                          int
	replicas, pushes                                  []int
}

func newCluster(site *Site, name, region string, number int) (*Cluster, error) {
	cluster := &Cluster{
		site: site, name: name, region: region, number: number,
		folder: filepath.Join(site.options.State, name),
	}
	cluster.kubeconfig = filepath.Join(cluster.folder, "kubeconfig")
	ports := &cluster.ports
	ports.replicas = make([]int, site.options.Replicas)
	ports.pushes = make([]int, site.options.Replicas)
	wanted := []*int{
		&ports.etcd, &ports.etcdPeer, &ports.api, &ports.controllers, &ports.scheduler, &ports.kwok,
		&ports.repo, &ports.repoMetrics, &ports.argo, &ports.proxy,
		&ports.ingress, &ports.gateway, &ports.faults,
	}
	for number := range ports.replicas {
		wanted = append(wanted, &ports.replicas[number], &ports.pushes[number])
	}
	for _, port := range wanted {
		free, err := freePort()
		if err != nil {
			return nil, err
		}
		*port = free
	}
	for _, folder := range []string{"etcd", "flex", "tmp", "empty", "helm", "bin"} {
		if err := os.MkdirAll(filepath.Join(cluster.folder, folder), 0o700); err != nil {
			return nil, err
		}
	}
	return cluster, cluster.certificates()
}

func (c *Cluster) url() string { return fmt.Sprintf("https://127.0.0.1:%d", c.ports.api) }

func (c *Cluster) path(names ...string) string {
	return filepath.Join(append([]string{c.folder}, names...)...)
}

func (c *Cluster) describe() ClusterDescription {
	description := ClusterDescription{
		Name: c.name, Region: c.region, API: c.url(), Proxy: local(c.ports.proxy),
		Gateway: fmt.Sprintf("127.0.0.1:%d", c.ports.gateway), Faults: local(c.ports.faults),
		Audit: c.path("audit.log"),
	}
	for _, port := range c.ports.replicas {
		description.Replicas = append(description.Replicas, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return description
}

// certificates makes what the cluster's parts know each other by.
func (c *Cluster) certificates() error {
	authority, err := newAuthority(c.folder)
	if err != nil {
		return err
	}
	if err = authority.server(); err != nil {
		return err
	}
	if err = authority.accounts(); err != nil {
		return err
	}
	admin, err := authority.client("admin", "system:masters")
	if err != nil {
		return err
	}
	c.admin = &rest.Config{
		Host: c.url(), QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{
			CAData: authority.pem, CertData: admin.certificate, KeyData: admin.key,
		},
	}
	return os.WriteFile(c.path("audit.yaml"), []byte(auditPolicy), 0o600)
}

// auditPolicy keeps what the product's service accounts ask for, and nothing of anybody else.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts:hosted-instances"]
- level: None
`

// start starts the cluster's parts in the order in which each can be used.
func (c *Cluster) start(ctx context.Context) error {
	parts := c.site.parts
	group, early := errgroup.WithContext(ctx)
	for _, part := range c.kubernetes() {
		group.Go(func() error { return parts.start(early, part) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := c.serveProxy(); err != nil {
		return err
	}
	if err := c.define(ctx); err != nil {
		return fmt.Errorf("the definitions of %s: %w", c.name, err)
	}
	if err := c.applyObjects(ctx); err != nil {
		return fmt.Errorf("the objects of %s: %w", c.name, err)
	}
	group, late := errgroup.WithContext(ctx)
	for _, part := range append(c.argo(), c.operators()...) {
		group.Go(func() error { return parts.start(late, part) })
	}
	return group.Wait()
}

func (c *Cluster) part(name, program string, args ...string) *Part {
	return &Part{Name: c.name + "/" + name, Program: c.site.program(program), Args: args}
}

func (c *Cluster) kubernetes() []*Part {
	ports := c.ports
	etcd := c.part("etcd", "kube", "etcd", c.path("etcd"), local(ports.etcd), local(ports.etcdPeer))
	etcd.Ready = listening(ports.etcd)
	api := c.part("apiserver", "kube", "apiserver",
		"--etcd-servers="+local(ports.etcd), "--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", ports.api), "--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--tls-cert-file="+c.path("apiserver.crt"), "--tls-private-key-file="+c.path("apiserver.key"),
		"--client-ca-file="+c.path("ca.crt"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.path("sa.key"),
		"--service-account-signing-key-file="+c.path("sa.key"),
		"--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true",
		"--audit-policy-file="+c.path("audit.yaml"), "--audit-log-path="+c.path("audit.log"))
	api.Ready = c.apiReady
	manager := c.part("controllers", "kube", "controllers",
		"--kubeconfig="+c.kubeconfig, "--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", ports.controllers), "--leader-elect=false",
		"--use-service-account-credentials=false",
		"--service-account-private-key-file="+c.path("sa.key"), "--root-ca-file="+c.path("ca.crt"),
		"--flex-volume-plugin-dir="+c.path("flex"), "--controllers="+strings.Join(controllers, ","))
	manager.Ready = c.accountReady
	scheduler := c.part("scheduler", "kube", "scheduler",
		"--kubeconfig="+c.kubeconfig, "--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", ports.scheduler), "--leader-elect=false")
	scheduler.Ready = listening(ports.scheduler)
	return []*Part{etcd, api, manager, scheduler}
}

func (c *Cluster) argo() []*Part {
	redis := fmt.Sprintf("127.0.0.1:%d", c.site.redis)
	environment := []string{
		"ARGOCD_FAKE_IN_CLUSTER=true", "KUBECONFIG=" + c.kubeconfig, "ARGOCD_GPG_ENABLED=false",
		"ARGOCD_TLS_DATA_PATH=" + c.path("empty"), "ARGOCD_SSH_DATA_PATH=" + c.path("empty"),
		"ARGOCD_APP_CONF_PATH=" + c.path("empty"), "TMPDIR=" + c.path("tmp"),
		"ARGOCD_SYNC_WAVE_DELAY=0",
	}
	repo := c.part("repo-server", "argocd", "repo-server",
		"--address", "127.0.0.1", "--port", fmt.Sprint(c.ports.repo),
		"--metrics-address", "127.0.0.1", "--metrics-port", fmt.Sprint(c.ports.repoMetrics),
		"--redis", redis, "--redisdb", fmt.Sprint(c.number), "--disable-tls", "--logformat", "text",
		"--revision-cache-expiration", "1s")
	repo.Env = append([]string{
		"PATH=" + strings.Join([]string{c.site.options.Programs, os.Getenv("PATH")}, ":"),
		"ARGOCD_PLUGINSOCKFILEPATH=" + c.path("empty"), "ARGOCD_ASK_PASS_SOCK=" + c.path("ask"),
		"HELM_CACHE_HOME=" + c.path("helm"), "HELM_CONFIG_HOME=" + c.path("helm"),
		"HELM_DATA_HOME=" + c.path("helm"),
	}, environment...)
	repo.Ready = answering(local(c.ports.repoMetrics) + "/healthz")
	controller := c.part("argocd", "argocd", "controller",
		"--kubeconfig", c.kubeconfig, "--namespace", "argocd",
		"--repo-server", fmt.Sprintf("127.0.0.1:%d", c.ports.repo),
		"--redis", redis, "--redisdb", fmt.Sprint(c.number),
		"--metrics-port", fmt.Sprint(c.ports.argo), "--app-resync", "10s",
		"--application-namespaces", "hosted-instances")
	controller.Env = environment
	controller.Ready = answering(local(c.ports.argo) + "/healthz")
	return []*Part{repo, controller}
}

func (c *Cluster) operators() []*Part {
	ports := c.ports
	kwok := c.part("kwok", "kwok", "--kubeconfig="+c.kubeconfig,
		"--config="+filepath.Join(c.site.options.Objects, "kwok.yaml"), "--manage-all-nodes=true",
		fmt.Sprintf("--server-address=127.0.0.1:%d", ports.kwok), "--node-ip=127.0.0.1",
		"--cidr=10.244.0.0/16", "--node-lease-duration-seconds=40")
	kwok.Ready = c.nodeReady
	certificates := c.part("cert-manager", "certmanager", "--kubeconfig="+c.kubeconfig)
	certificates.Ready = c.issuerReady
	secrets := c.part("stand-in-external-secrets", "standins", "secrets",
		"-kubeconfig="+c.kubeconfig, "-secrets-manager="+local(c.site.secrets))
	databases := c.part("stand-in-postgres-operator", "standins", "databases",
		"-kubeconfig="+c.kubeconfig)
	var pushes, doors []string
	for number := range ports.replicas {
		pushes = append(pushes, local(ports.pushes[number]))
		doors = append(doors, fmt.Sprintf("%d:%d", ports.replicas[number], ports.pushes[number]))
	}
	gateway := c.part("stand-in-gateway", "standins", "gateway",
		fmt.Sprintf("-port=%d", ports.gateway), fmt.Sprintf("-faults=%d", ports.faults),
		"-replicas="+strings.Join(doors, ","), fmt.Sprintf("-workers=%d", c.site.options.Workers))
	gateway.Ready = listening(ports.faults)
	ingress := c.part("stand-in-ingress-controller", "standins", "ingress",
		"-kubeconfig="+c.kubeconfig, "-push="+strings.Join(pushes, ","))
	return []*Part{kwok, certificates, secrets, databases, gateway, ingress}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"time"

	etcd "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfigs writes one for each cluster's own parts, and one for people with all of them.
func (s *Site) writeKubeconfigs() error {
	all := api.NewConfig()
	for _, cluster := range s.clusters {
		own := api.NewConfig()
		for _, config := range []*api.Config{own, all} {
			config.Clusters[cluster.name] = &api.Cluster{
				Server: cluster.url(), CertificateAuthorityData: cluster.admin.CAData,
			}
			config.AuthInfos[cluster.name] = &api.AuthInfo{
				ClientCertificateData: cluster.admin.CertData, ClientKeyData: cluster.admin.KeyData,
			}
			config.Contexts[cluster.name] = &api.Context{
				Cluster: cluster.name, AuthInfo: cluster.name,
			}
			if config.CurrentContext == "" {
				config.CurrentContext = cluster.name
			}
		}
		if err := clientcmd.WriteToFile(*own, cluster.kubeconfig); err != nil {
			return err
		}
	}
	return clientcmd.WriteToFile(*all, filepath.Join(s.options.State, "kubeconfig"))
}

func (c *Cluster) client() (*kubernetes.Clientset, error) { return kubernetes.NewForConfig(c.admin) }

func (c *Cluster) apiReady(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// accountReady waits for the account that every namespace gets, the first sign of the controllers.
func (c *Cluster) accountReady(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	_, err = client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
	return err
}

func (c *Cluster) nodeReady(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range nodes.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" && len(node.Spec.Taints) == 0 {
				return nil
			}
		}
	}
	return errors.New("no node is ready")
}

// issuerReady waits until the issuer that instances name can sign.
func (c *Cluster) issuerReady(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	text, err := client.RESTClient().Get().
		AbsPath("/apis/cert-manager.io/v1/clusterissuers/letsencrypt").DoRaw(ctx)
	if err != nil {
		return err
	}
	return conditionTrue(text, "Ready")
}

// forget has etcd drop its history, so that no version but the present one can be watched from once
// the API server is started anew.
func (c *Cluster) forget(ctx context.Context) error {
	client, err := etcd.New(etcd.Config{
		Endpoints: []string{local(c.ports.etcd)}, DialTimeout: 5 * time.Second, Context: ctx,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	now, err := client.Get(ctx, "/registry", etcd.WithCountOnly())
	if err != nil {
		return err
	}
	_, err = client.Compact(ctx, now.Header.Revision, etcd.WithCompactPhysical())
	return err
}

// serveProxy offers the API server to people and tests of this machine by plain HTTP, as an
// administrator, the way `kubectl proxy` does.
func (c *Cluster) serveProxy() error {
	transport, err := rest.TransportFor(c.admin)
	if err != nil {
		return err
	}
	target, err := url.Parse(c.url())
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(request *httputil.ProxyRequest) { request.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.ports.proxy))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return nil
}

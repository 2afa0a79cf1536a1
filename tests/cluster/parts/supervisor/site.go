package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Site is everything that is started: what clusters share, and the clusters.
type Site struct {
	options  Options
	parts    *Parts
	control  int
	git      int
	redis    int
	secrets  int
	clusters []*Cluster
}

// Description is what others need to know, as it stands in cluster.json.
type Description struct {
	// Pid of the supervisor.
	Pid int `json:"pid"`
	// Control is the URL of the control port.
	Control string `json:"control"`
	// Kubeconfig has an administrator's context for each cluster, called as the cluster is.
	Kubeconfig string `json:"kubeconfig"`
	// Git is the URL below which repositories are read and pushed, GitFolder where they lie.
	Git       string `json:"git"`
	GitFolder string `json:"git_folder"`
	// SecretsManager is the URL of moto.
	SecretsManager string               `json:"secrets_manager"`
	Clusters       []ClusterDescription `json:"clusters"`
}

// ClusterDescription is where the ends of one cluster are.
type ClusterDescription struct {
	Name   string `json:"name"`
	Region string `json:"region"`
	// API is the API server itself.
	API string `json:"api"`
	// Proxy is the API server as an administrator sees it, by plain HTTP.
	Proxy string `json:"proxy"`
	// Gateway is the stand-in gateway's load balancer, host and port; Replicas are what is behind it.
	Gateway  string   `json:"gateway"`
	Replicas []string `json:"replicas"`
	// Faults is where the stand-in gateway is told to misbehave.
	Faults string `json:"faults"`
	// Audit is the log of what the product's service account asked for.
	Audit string `json:"audit"`
}

func newSite(options Options) (*Site, error) {
	site := &Site{options: options, parts: newParts(filepath.Join(options.State, "logs"))}
	if err := os.MkdirAll(site.gitFolder(), 0o700); err != nil {
		return nil, err
	}
	var err error
	for _, port := range []*int{&site.control, &site.git, &site.redis, &site.secrets} {
		if *port, err = freePort(); err != nil {
			return nil, err
		}
	}
	for number, word := range options.Clusters {
		name, region, found := strings.Cut(word, "=")
		if !found {
			return nil, fmt.Errorf("a cluster is name=region, not %q", word)
		}
		cluster, err := newCluster(site, name, region, number)
		if err != nil {
			return nil, err
		}
		site.clusters = append(site.clusters, cluster)
	}
	return site, nil
}

func (s *Site) gitFolder() string { return filepath.Join(s.options.State, "git") }

func (s *Site) program(name string) string { return filepath.Join(s.options.Programs, name) }

// Description tells where everything is.
func (s *Site) Description() Description {
	description := Description{
		Pid:            os.Getpid(),
		Control:        local(s.control),
		Kubeconfig:     filepath.Join(s.options.State, "kubeconfig"),
		Git:            local(s.git),
		GitFolder:      s.gitFolder(),
		SecretsManager: local(s.secrets),
	}
	for _, cluster := range s.clusters {
		description.Clusters = append(description.Clusters, cluster.describe())
	}
	return description
}

// start starts what is shared beside the clusters, which wait for it where they need it.
func (s *Site) start(ctx context.Context) error {
	if err := s.writeKubeconfigs(); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range s.shared() {
		group.Go(func() error { return s.parts.start(ctx, part) })
	}
	for _, cluster := range s.clusters {
		group.Go(func() error { return cluster.start(ctx) })
	}
	return group.Wait()
}

func (s *Site) shared() []*Part {
	git := &Part{
		Name: "git", Program: s.program("gitd"),
		Args:  []string{fmt.Sprintf("-port=%d", s.git), "-folder=" + s.gitFolder()},
		Ready: listening(s.git),
	}
	redis := &Part{
		Name: "redis", Program: "redis-server",
		Args: []string{
			"--bind", "127.0.0.1", "--port", fmt.Sprint(s.redis), "--save", "", "--appendonly", "no",
		},
		Ready: listening(s.redis),
	}
	secrets := &Part{
		Name: "secrets-manager", Program: "moto_server",
		Args:  []string{"-H", "127.0.0.1", "-p", fmt.Sprint(s.secrets)},
		Ready: answering(local(s.secrets) + "/moto-api/data.json"),
	}
	return []*Part{git, redis, secrets}
}

func local(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// Ports that were given out; none is given out twice.
var given = map[int]bool{}

// freePort is a port that nobody listens on at this moment, below those that the system takes for
// outgoing connections: one of these may be taken again before its part starts.
func freePort() (int, error) {
	for range 1000 {
		port := 20000 + rand.IntN(12000)
		if given[port] {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		given[port] = true
		return port, listener.Close()
	}
	return 0, errors.New("no free port was found between 20000 and 32000")
}

// listening is ready when the port accepts connections.
func listening(port int) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// answering is ready when the URL answers with 200.
func answering(url string) func(context.Context) error {
	client := &http.Client{Timeout: 5 * time.Second}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

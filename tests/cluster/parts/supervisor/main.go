// Package main starts, watches and ends the test cluster: every process is a child of this one and
// dies with it, even when this one is killed outright.
//
// It adds nothing to what Kubernetes and Argo CD do. It makes certificates, chooses ports, starts
// the parts in the order in which each can be used, applies the objects that an operator of a real
// cluster would have applied, and listens on a control port by which tests stop and start parts.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Options are what the caller decides.
type Options struct {
	// Programs that were built from the modules beside this one.
	Programs string
	// State is an existing empty folder.
	State string
	// Objects is the folder of what is applied to every cluster.
	Objects string
	// Definitions is the folder of custom resource definitions.
	Definitions string
	// Clusters by name, each `name=region`.
	Clusters []string
	// Replicas and Workers of each gateway.
	Replicas, Workers int
}

func main() {
	options := Options{}
	clusters := ""
	flag.StringVar(&options.Programs, "programs", "", "folder of the built programs")
	flag.StringVar(&options.State, "state", "", "empty folder for data, logs and certificates")
	flag.StringVar(&options.Objects, "objects", "", "folder of objects to apply")
	flag.StringVar(&options.Definitions, "definitions", "", "folder of custom resource definitions")
	flag.StringVar(&clusters, "clusters", "development=eu-west-1", "name=region, with commas")
	flag.IntVar(&options.Replicas, "gateway-replicas", 3, "replicas of each gateway")
	flag.IntVar(&options.Workers, "gateway-workers", 2, "workers of each replica")
	flag.Parse()
	options.Clusters = strings.Split(clusters, ",")
	if err := run(options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(options Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	site, err := newSite(options)
	if err != nil {
		return err
	}
	defer site.parts.endAll()
	begun := time.Now()
	asked := make(chan struct{})
	if err = site.serveControl(asked); err != nil {
		return err
	}
	if err = site.start(ctx); err != nil {
		return err
	}
	if err = site.describe(true); err != nil {
		return err
	}
	fmt.Printf("ready after %.1f s\n", time.Since(begun).Seconds())
	select {
	case <-ctx.Done():
	case <-asked:
	}
	fmt.Println("ending")
	site.parts.endAll()
	return site.describe(false)
}

// describe writes `cluster.json`, which tells others where everything is; without `ready` it is
// taken away.
func (s *Site) describe(ready bool) error {
	path := filepath.Join(s.options.State, "cluster.json")
	if !ready {
		return os.Remove(path)
	}
	text, err := json.MarshalIndent(s.Description(), "", "  ")
	if err != nil {
		return err
	}
	draft := path + ".draft"
	if err = os.WriteFile(draft, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, path)
}

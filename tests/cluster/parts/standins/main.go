// Package main plays the operators that the test cluster cannot have: External Secrets, the Zalando
// Postgres operator with a volume provisioner, and APISIX with its ingress controller. They are
// stand-ins, and everything they write or say calls them so; the objects they read are validated by
// the API server against the operators' own definitions.
//
// Each mode is a process of its own, so that a test can stop one and leave the others.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) < 2 {
		fail(errors.New("usage: standins secrets|databases|ingress|gateway ..."))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	mode, arguments := os.Args[1], os.Args[2:]
	fmt.Printf("a stand-in for tests: %s\n", mode)
	switch mode {
	case "secrets":
		fail(runSecrets(ctx, arguments))
	case "databases":
		fail(runDatabases(ctx, arguments))
	case "ingress":
		fail(runIngress(ctx, arguments))
	case "gateway":
		fail(runGateway(ctx, arguments))
	default:
		fail(fmt.Errorf("there is no stand-in called %q", mode))
	}
}

func fail(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runSecrets(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("secrets", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the cluster")
	manager := flags.String("secrets-manager", "", "URL of Secrets Manager")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	world, err := newWorld(*kubeconfig)
	if err != nil {
		return err
	}
	operator := &secretsOperator{world: world, manager: &secretsManager{url: *manager}, failures: map[string]failure{}}
	return world.run(ctx, operator.pass, externalSecrets, clusterSecretStores, secretStores, secrets)
}

func runDatabases(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("databases", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the cluster")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	world, err := newWorld(*kubeconfig)
	if err != nil {
		return err
	}
	operator := &databaseOperator{world: world, seen: map[string]string{}}
	return world.run(ctx, operator.pass, postgresqls, statefulSets, claims, volumes, secrets)
}

func runIngress(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("ingress", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the cluster")
	push := flags.String("push", "", "URLs that take a state, with commas")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	world, err := newWorld(*kubeconfig)
	if err != nil {
		return err
	}
	operator := &ingressController{world: world, replicas: strings.Split(*push, ",")}
	return world.run(ctx, operator.pass, routes, pluginConfigs, consumers, secrets, endpointSlices, pods)
}

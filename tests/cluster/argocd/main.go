// Package main is Argo CD for the test cluster in one program: the application controller and the
// repo server, chosen by the first argument.
//
// It exists for two reasons: the published command of the controller binds its metrics to every
// network interface, and one program compiles and links once. Everything that decides is Argo CD's.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
)

func main() {
	var command *cobra.Command
	if len(os.Args) > 1 {
		command = part(os.Args[1])
	}
	if command == nil {
		fmt.Fprintln(os.Stderr, "usage: argocd controller|repo-server ...")
		os.Exit(2)
	}
	command.SetArgs(os.Args[2:])
	if err := command.Execute(); err != nil {
		os.Exit(1)
	}
}

func part(name string) *cobra.Command {
	switch name {
	case "controller":
		return controllerCommand()
	case "repo-server":
		return reposerver.NewCommand()
	default:
		return nil
	}
}

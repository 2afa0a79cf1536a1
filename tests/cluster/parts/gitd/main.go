// Package main serves the bare repositories of a folder over smart HTTP on 127.0.0.1, by git's own
// http-backend. Anyone on this machine may read and push: it holds copies for tests.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	folder := flag.String("folder", "", "folder of bare repositories")
	flag.Parse()
	if err := serve(*port, *folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(port int, folder string) error {
	found, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return fmt.Errorf("git is not to be had: %w", err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(found)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=tests",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
	}
	server := &http.Server{
		Addr:              fmt.Sprintf("127.0.0.1:%d", port),
		Handler:           backend,
		ReadHeaderTimeout: 10 * time.Second,
	}
	return server.ListenAndServe()
}

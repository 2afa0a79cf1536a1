package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// PartStatus is what is told of a part.
type PartStatus struct {
	Name    string `json:"name"`
	Running bool   `json:"running"`
	Wanted  bool   `json:"wanted"`
	// Paused means that it was stopped by a signal and may be told to resume.
	Paused bool `json:"paused"`
	Pid    int  `json:"pid,omitempty"`
	Starts int  `json:"starts"`
	// Memory is its resident memory in bytes.
	Memory int64  `json:"memory"`
	Log    string `json:"log"`
}

// serveControl listens for whoever stops and starts parts. Closing `asked` ends the supervisor.
func (s *Site) serveControl(asked chan struct{}) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", s.control))
	if err != nil {
		return err
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /status", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(answer).Encode(s.status())
	})
	routes.HandleFunc("POST /down", func(answer http.ResponseWriter, _ *http.Request) {
		answer.WriteHeader(http.StatusAccepted)
		select {
		case <-asked:
		default:
			close(asked)
		}
	})
	routes.HandleFunc("POST /parts/{action}/{name...}", func(answer http.ResponseWriter, request *http.Request) {
		err := s.act(request, request.PathValue("action"), request.PathValue("name"))
		if err != nil {
			http.Error(answer, err.Error(), http.StatusConflict)
			return
		}
		answer.WriteHeader(http.StatusNoContent)
	})
	routes.HandleFunc("POST /clusters/{name}/forget", func(answer http.ResponseWriter, request *http.Request) {
		for _, cluster := range s.clusters {
			if cluster.name != request.PathValue("name") {
				continue
			}
			if err := cluster.forget(request.Context()); err != nil {
				http.Error(answer, err.Error(), http.StatusConflict)
				return
			}
			answer.WriteHeader(http.StatusNoContent)
			return
		}
		http.Error(answer, "there is no such cluster", http.StatusNotFound)
	})
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return nil
}

// act does one thing to one part and returns when it is done.
func (s *Site) act(request *http.Request, action, name string) error {
	part := s.parts.find(name)
	if part == nil {
		return fmt.Errorf("no part is called %s", name)
	}
	switch action {
	case "stop":
		part.end(grace)
		return nil
	case "kill":
		part.end(0)
		return nil
	case "start":
		return s.parts.begin(request.Context(), part)
	case "pause":
		return part.signal(syscall.SIGSTOP)
	case "resume":
		return part.signal(syscall.SIGCONT)
	default:
		return fmt.Errorf("a part cannot be told to %s", action)
	}
}

func (s *Site) status() []PartStatus {
	s.parts.mutex.Lock()
	all := append([]*Part(nil), s.parts.all...)
	s.parts.mutex.Unlock()
	var told []PartStatus
	for _, part := range all {
		status := PartStatus{Name: part.Name, Running: part.running(), Log: part.log}
		part.mutex.Lock()
		status.Wanted, status.Starts = part.wanted, part.starts
		if part.child != nil && status.Running {
			status.Pid = part.child.Process.Pid
			status.Memory, status.Paused = look(status.Pid)
		}
		part.mutex.Unlock()
		told = append(told, status)
	}
	return told
}

// look is the resident memory of a process in bytes and whether a signal stopped it, as far as the
// system tells.
func look(pid int) (memory int64, paused bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 3 && fields[0] == "VmRSS:":
			if kilobytes, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				memory = kilobytes * 1024
			}
		case len(fields) > 1 && fields[0] == "State:":
			paused = fields[1] == "T"
		}
	}
	return memory, paused
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// gateway stands in for APISIX: replicas on addresses of their own, each with workers that have their
// own copy of the state, and a load balancer before them. Which worker answers is decided when a
// connection is accepted, so a connection that is kept always meets the same one.
type gateway struct {
	replicas []*replica
	turn     atomic.Int64
}

type replica struct {
	number  int
	port    int
	workers []*worker
	turn    atomic.Int64

	mutex sync.Mutex
	// listener is nil while the replica is gone.
	listener net.Listener
	server   *http.Server
	// refusing pushes, and how long after a push its workers take it up.
	refusing bool
	lag      time.Duration
}

type worker struct {
	pid   int
	state atomic.Pointer[state]
	// stuck workers keep what they have.
	stuck atomic.Bool
}

type workerKey struct{}

func runGateway(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("gateway", flag.ExitOnError)
	port := flags.Int("port", 0, "port of the load balancer")
	faults := flags.Int("faults", 0, "port on which faults are made and healed")
	doors := flags.String("replicas", "", "port:port of each replica, for requests and for pushes, with commas")
	workers := flags.Int("workers", 2, "workers of each replica")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	it := &gateway{}
	for number, door := range strings.Split(*doors, ",") {
		requests, pushes, _ := strings.Cut(door, ":")
		replica := &replica{number: number}
		var err error
		if replica.port, err = strconv.Atoi(requests); err != nil {
			return err
		}
		for at := range *workers {
			replica.workers = append(replica.workers, &worker{pid: 1000*(number+1) + at})
		}
		if err = replica.open(); err != nil {
			return err
		}
		if err = serve(pushes, http.HandlerFunc(replica.take)); err != nil {
			return err
		}
		it.replicas = append(it.replicas, replica)
	}
	if err := it.balance(ctx, *port); err != nil {
		return err
	}
	if err := serve(fmt.Sprint(*faults), it.console()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func serve(port string, handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { report(server.Serve(listener)) }()
	return nil
}

// open makes the replica reachable.
func (r *replica) open() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", r.port))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(answer),
		ReadHeaderTimeout: 10 * time.Second,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			turn := r.turn.Add(1)
			return context.WithValue(ctx, workerKey{}, r.workers[turn%int64(len(r.workers))])
		},
	}
	r.listener, r.server = listener, server
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			report(err)
		}
	}()
	return nil
}

// close makes the replica unreachable and cuts its connections.
func (r *replica) close() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.listener != nil {
		report(r.server.Close())
		r.listener, r.server = nil, nil
	}
}

func (r *replica) gone() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.listener == nil
}

// take hears a push.
func (r *replica) take(answer http.ResponseWriter, request *http.Request) {
	r.mutex.Lock()
	refusing, lag, gone := r.refusing, r.lag, r.listener == nil
	r.mutex.Unlock()
	if refusing || gone {
		http.Error(answer, "a fault was asked for", http.StatusServiceUnavailable)
		return
	}
	next := &state{}
	if err := json.NewDecoder(request.Body).Decode(next); err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	for number, worker := range r.workers {
		// Each worker notices by itself, a little after the others.
		delay := lag + time.Duration(1+7*number)*time.Millisecond
		time.AfterFunc(delay, func() {
			if !worker.stuck.Load() {
				worker.state.Store(next)
			}
		})
	}
	answer.WriteHeader(http.StatusNoContent)
}

// balance passes connections on to replicas in turn, as a network load balancer does.
func (g *gateway) balance(ctx context.Context, port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		listener.Close()
	}()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go g.pass(connection)
		}
	}()
	return nil
}

func (g *gateway) pass(from net.Conn) {
	defer from.Close()
	for range g.replicas {
		replica := g.replicas[int(g.turn.Add(1))%len(g.replicas)]
		if replica.gone() {
			continue
		}
		to, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", replica.port))
		if err != nil {
			continue
		}
		defer to.Close()
		both(from, to)
		return
	}
}

package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// fault is what a replica is told to do from now on; an empty one heals it.
type fault struct {
	// Gone replicas answer nobody.
	Gone bool `json:"gone"`
	// RefusePushes makes a push fail here, so that those after this replica hear nothing either.
	RefusePushes bool `json:"refuse_pushes"`
	// LagMillis is how long after a push the workers take it up.
	LagMillis int64 `json:"lag_millis"`
	// Stuck workers, by their number, keep the state they have.
	Stuck []int `json:"stuck"`
}

// told is what the console says of a replica.
type told struct {
	Replica int          `json:"replica"`
	Gone    bool         `json:"gone"`
	Workers []toldWorker `json:"workers"`
}

type toldWorker struct {
	Pid      int   `json:"pid"`
	Revision int64 `json:"revision"`
	Stuck    bool  `json:"stuck"`
}

// console is where tests make faults: GET /replicas, PUT /replicas/{number} with a fault.
func (g *gateway) console() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /replicas", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "application/json")
		report(json.NewEncoder(answer).Encode(g.tell()))
	})
	routes.HandleFunc("PUT /replicas/{number}", func(answer http.ResponseWriter, request *http.Request) {
		number, err := strconv.Atoi(request.PathValue("number"))
		if err != nil || number < 0 || number >= len(g.replicas) {
			http.Error(answer, "there is no such replica", http.StatusNotFound)
			return
		}
		asked := fault{}
		if err = json.NewDecoder(request.Body).Decode(&asked); err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		if err = g.replicas[number].suffer(asked); err != nil {
			http.Error(answer, err.Error(), http.StatusConflict)
			return
		}
		answer.WriteHeader(http.StatusNoContent)
	})
	return routes
}

func (g *gateway) tell() []told {
	var all []told
	for _, replica := range g.replicas {
		one := told{Replica: replica.number, Gone: replica.gone()}
		for _, worker := range replica.workers {
			said := toldWorker{Pid: worker.pid, Stuck: worker.stuck.Load()}
			if state := worker.state.Load(); state != nil {
				said.Revision = state.Revision
			}
			one.Workers = append(one.Workers, said)
		}
		all = append(all, one)
	}
	return all
}

func (r *replica) suffer(asked fault) error {
	r.mutex.Lock()
	r.refusing = asked.RefusePushes
	r.lag = time.Duration(asked.LagMillis) * time.Millisecond
	r.mutex.Unlock()
	for number, worker := range r.workers {
		stuck := false
		for _, one := range asked.Stuck {
			stuck = stuck || one == number
		}
		worker.stuck.Store(stuck)
	}
	if asked.Gone {
		r.close()
		return nil
	}
	return r.open()
}

// both copies in both directions until one ends.
func both(one, other net.Conn) {
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{one, other}, {other, one}} {
		go func() {
			// The end of a connection is no fault here.
			_, _ = io.Copy(pair[0], pair[1])
			done <- struct{}{}
		}()
	}
	<-done
}

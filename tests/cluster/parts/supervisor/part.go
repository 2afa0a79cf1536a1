package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// How long a part may take to become ready, and to end once it was asked to.
const (
	patience = 90 * time.Second
	grace    = 15 * time.Second
	glance   = 50 * time.Millisecond
)

// Part is one process of the cluster.
type Part struct {
	Name    string
	Program string
	Args    []string
	Env     []string
	// Ready tells whether it can be used; nil counts as ready at once.
	Ready func(context.Context) error

	log string

	mutex sync.Mutex
	child *exec.Cmd
	ended chan struct{}
	// wanted is true while it is meant to run.
	wanted bool
	starts int
}

// Parts are all of them, in the order in which they were started.
type Parts struct {
	folder  string
	mutex   sync.Mutex
	all     []*Part
	spawner chan func()
}

func newParts(folder string) *Parts {
	parts := &Parts{folder: folder, spawner: make(chan func())}
	// The kernel ends a child when the thread that made it ends, so that thread must stay.
	go func() {
		runtime.LockOSThread()
		for work := range parts.spawner {
			work()
		}
	}()
	return parts
}

// start starts a part and waits until it is ready.
func (p *Parts) start(ctx context.Context, part *Part) error {
	part.log = filepath.Join(p.folder, part.Name+".log")
	p.mutex.Lock()
	p.all = append(p.all, part)
	p.mutex.Unlock()
	return p.begin(ctx, part)
}

// begin starts the process of a part that is not running.
func (p *Parts) begin(ctx context.Context, part *Part) error {
	if part.running() {
		return fmt.Errorf("%s runs already", part.Name)
	}
	done := make(chan error)
	p.spawner <- func() { done <- part.spawn() }
	if err := <-done; err != nil {
		return fmt.Errorf("%s could not be started: %w", part.Name, err)
	}
	return part.wait(ctx)
}

func (part *Part) spawn() error {
	if err := os.MkdirAll(filepath.Dir(part.log), 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(part.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	child := exec.Command(part.Program, part.Args...)
	child.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, part.Env...)
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err = child.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		// How it ended stands in its log; here only that it did matters.
		_ = child.Wait()
		close(ended)
	}()
	part.mutex.Lock()
	defer part.mutex.Unlock()
	part.child, part.ended, part.wanted = child, ended, true
	part.starts++
	return nil
}

// wait waits until the part is ready, has ended or takes too long.
func (part *Part) wait(ctx context.Context) error {
	if part.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	for {
		attempt, stop := context.WithTimeout(ctx, 5*time.Second)
		last = part.Ready(attempt)
		stop()
		if last == nil {
			return nil
		}
		select {
		case <-part.ended:
			return fmt.Errorf("%s has ended; its log is %s", part.Name, part.log)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready (%w); its log is %s", part.Name, last, part.log)
		case <-time.After(glance):
		}
	}
}

func (part *Part) running() bool {
	part.mutex.Lock()
	defer part.mutex.Unlock()
	if part.child == nil {
		return false
	}
	select {
	case <-part.ended:
		return false
	default:
		return true
	}
}

// end asks the process to end, insists after the grace, and waits until it is gone. With a grace of
// zero it is killed at once, as a power cut would.
func (part *Part) end(grace time.Duration) {
	part.mutex.Lock()
	child, ended := part.child, part.ended
	part.wanted = false
	part.mutex.Unlock()
	if child == nil {
		return
	}
	if grace > 0 {
		// It may have ended by itself, which is what is wanted.
		_ = child.Process.Signal(syscall.SIGTERM)
		// A stopped process hears nothing until it goes on.
		_ = child.Process.Signal(syscall.SIGCONT)
		select {
		case <-ended:
		case <-time.After(grace):
		}
	}
	_ = syscall.Kill(-child.Process.Pid, syscall.SIGKILL)
	<-ended
}

// signal sends a signal to a running part.
func (part *Part) signal(signal syscall.Signal) error {
	if !part.running() {
		return errors.New(part.Name + " is not running")
	}
	return part.child.Process.Signal(signal)
}

func (p *Parts) find(name string) *Part {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, part := range p.all {
		if part.Name == name {
			return part
		}
	}
	return nil
}

// endAll ends everything, those that use others first, quickly: nothing here outlives the tests.
func (p *Parts) endAll() {
	p.mutex.Lock()
	all := append([]*Part(nil), p.all...)
	p.mutex.Unlock()
	var group sync.WaitGroup
	for _, part := range all {
		group.Add(1)
		go func() {
			defer group.Done()
			part.end(2 * time.Second)
		}()
	}
	group.Wait()
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// roleArg is how this program calls itself for the process of one contestant.
const roleArg = "role"

// place is what a contestant must know.
type place struct {
	Customers int
	Data      string // folder of Purser's SQLite file
}

// order asks for one round.
type order struct {
	Goroutines int
	Time       time.Duration
}

// sample is one round, or the first reply.
type sample struct {
	Ops     int
	Seconds float64
	Allocs  float64 // all of them
	Heap    float64 // bytes that live after the set-up
	Error   string
}

// ns is wall time by answers, as `go test -bench` counts.
func (s sample) ns() float64     { return s.Seconds * 1e9 / float64(s.Ops) }
func (s sample) allocs() float64 { return s.Allocs / float64(s.Ops) }

// ask answers a question; customer is the index of id, for those that are told more than the id.
type ask func(customer int, id, feature string) (bool, error)

// play sets a contestant up and does rounds until its standard input ends, which also happens when the parent dies.
func play(role, config string) int {
	var p place
	err := json.Unmarshal([]byte(config), &p)
	if err == nil {
		err = playing(role, p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		return 1
	}
	return 0
}

func playing(role string, p place) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answer, done, err := roles[role](ctx, p)
	if err != nil {
		return err
	}
	ids := customerNames(p.Customers)
	if err := verify(answer, ids); err != nil {
		return err
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	if err := out.Encode(sample{Heap: float64(memory().HeapAlloc)}); err != nil {
		return err
	}
	for {
		var o order
		if err := in.Decode(&o); errors.Is(err, io.EOF) {
			return done()
		} else if err != nil {
			return err
		}
		s, err := crowd(answer, ids, o)
		if err != nil {
			s.Error = err.Error()
		}
		if err := out.Encode(s); err != nil {
			return err
		}
	}
}

// verify keeps the comparison honest: everybody gives the right answers.
func verify(answer ask, ids []string) error {
	for i := range min(len(ids), 500) {
		customer := i * (len(ids) / min(len(ids), 500))
		for f, feature := range features {
			got, err := answer(customer, ids[customer], feature)
			if err != nil {
				return err
			}
			if got != allowed(customer, f) {
				return fmt.Errorf("%s and %s: answered %v", ids[customer], feature, got)
			}
		}
	}
	return nil
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// crowd asks until the time is over. The first error ends the round.
func crowd(answer ask, ids []string, o order) (sample, error) {
	var over atomic.Bool
	var total atomic.Int64
	var failed error
	var once sync.Once
	var wg sync.WaitGroup
	before := memory()
	start := time.Now()
	timer := time.AfterFunc(o.Time, func() { over.Store(true) })
	defer timer.Stop()
	for g := range o.Goroutines {
		wg.Go(func() {
			n, d := 0, newDice(g+int(start.UnixNano()))
			for ; !over.Load(); n++ {
				customer, feature := d.roll(len(ids))
				if _, err := answer(customer, ids[customer], features[feature]); err != nil {
					once.Do(func() { failed = err })
					over.Store(true)
					break
				}
			}
			total.Add(int64(n))
		})
	}
	wg.Wait()
	seconds := time.Since(start).Seconds()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	return sample{Ops: int(total.Load()), Seconds: seconds, Allocs: float64(after.Mallocs - before.Mallocs)}, failed
}

// child is the parent's end.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *json.Decoder
	stderr bytes.Buffer
	heap   float64
}

// spawn starts a contestant and waits until it is set up.
func spawn(role string, p place) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(context.Background(), exe, roleArg, role, string(config))} // it ends when its input does
	c.cmd.Stderr = &c.stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	var first sample
	if err := c.out.Decode(&first); err != nil {
		return nil, c.failed(err)
	}
	c.heap = first.Heap
	return c, nil
}

func (c *child) round(o order) (s sample, err error) {
	err = json.NewEncoder(c.in).Encode(o)
	if err == nil {
		err = c.out.Decode(&s)
	}
	switch {
	case err != nil:
		return s, c.failed(err)
	case s.Error != "":
		return s, errors.New(s.Error)
	case s.Ops == 0:
		return s, fmt.Errorf("not one answer in %s", o.Time)
	}
	return s, nil
}

// failed adds what the child said.
func (c *child) failed(err error) error {
	err = errors.Join(err, c.stop())
	return fmt.Errorf("%w\n%s", err, strings.TrimSpace(c.stderr.String()))
}

// stop ends the contestant and waits for it.
func (c *child) stop() error {
	_ = c.in.Close()
	return c.cmd.Wait()
}

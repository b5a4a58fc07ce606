package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/bench/client"
)

// httpSide is a server process under load. Its clients keep their connections; they are as simple as can be, since they
// take their share of the same cores.
type httpSide struct {
	server  *child
	request func(n int64) []byte // the whole request; n is new each time
	status  string               // of every answer; "" for any success
	times   [][]time.Duration    // of the answers of a round, by client; nil when nobody wants to know
	n       atomic.Int64
	conns   []*client.Conn
}

// round implements side.
func (h *httpSide) round(ctx context.Context, clients int, d time.Duration) (sample, error) {
	if err := h.dial(ctx, clients); err != nil {
		return sample{}, err
	}
	ask := h.ask
	if h.times != nil {
		h.times = make([][]time.Duration, clients)
		ask = h.askTimed
	}
	before, err := h.server.ask(question{Do: "cpu"})
	if err != nil {
		return sample{}, err
	}
	s, err := crowd(clients, d, ask)
	if err != nil {
		return s, err
	}
	after, err := h.server.ask(question{Do: "cpu"})
	s.CPU = after.CPU - before.CPU
	s.P99 = percentile(slices.Concat(h.times...), 99).Seconds()
	return s, err
}

func (h *httpSide) dial(ctx context.Context, clients int) error {
	for len(h.conns) < clients {
		c, err := client.Dial(ctx, h.server.URL)
		if err != nil {
			return err
		}
		h.conns = append(h.conns, c)
	}
	return nil
}

func (h *httpSide) ask(client int) error {
	return h.conns[client].Do(h.request(h.n.Add(1)), h.status)
}

func (h *httpSide) askTimed(client int) error {
	start := time.Now()
	err := h.ask(client)
	h.times[client] = append(h.times[client], time.Since(start))
	return err
}

// each makes the first n requests, once.
func (h *httpSide) each(ctx context.Context, n int64) error {
	const clients = 16
	if err := h.dial(ctx, clients); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, clients)
	for i := range errs {
		wg.Go(func() {
			for k := int64(i); k < n && errs[i] == nil; k += clients {
				errs[i] = h.conns[i].Do(h.request(k), h.status)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// percentile is the time within which so many of a hundred are done; 0 of nothing.
func percentile(list []time.Duration, p int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[(len(list)*p+99)/100-1]
}

func (h *httpSide) close() {
	for _, c := range h.conns {
		_ = c.Close()
	}
}

// crowd lets clients repeat fn until the time is over. The first error ends the round.
func crowd(clients int, d time.Duration, fn func(client int) error) (sample, error) {
	var over atomic.Bool
	var total atomic.Int64
	var failed error
	var once sync.Once
	var wg sync.WaitGroup
	start := time.Now()
	timer := time.AfterFunc(d, func() { over.Store(true) })
	defer timer.Stop()
	for i := range clients {
		wg.Go(func() {
			n := int64(0)
			for !over.Load() {
				if err := fn(i); err != nil {
					once.Do(func() { failed = err })
					over.Store(true)
					break
				}
				n++
			}
			total.Add(n)
		})
	}
	wg.Wait()
	return sample{Ops: int(total.Load()), Seconds: time.Since(start).Seconds()}, failed
}

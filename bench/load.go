package main

import (
	"context"
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
	n       atomic.Int64
	conns   []*client.Conn
}

// round implements side.
func (h *httpSide) round(ctx context.Context, clients int, d time.Duration) (sample, error) {
	for len(h.conns) < clients {
		c, err := client.Dial(ctx, h.server.URL)
		if err != nil {
			return sample{}, err
		}
		h.conns = append(h.conns, c)
	}
	before, err := h.server.ask(question{Do: "cpu"})
	if err != nil {
		return sample{}, err
	}
	s, err := crowd(clients, d, func(i int) error {
		return h.conns[i].Do(h.request(h.n.Add(1)), h.status)
	})
	if err != nil {
		return s, err
	}
	after, err := h.server.ask(question{Do: "cpu"})
	s.CPU = after.CPU - before.CPU
	return s, err
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

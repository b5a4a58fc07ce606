package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// httpSide is a server process under load. Its clients keep their connections; they are as simple as can be, since they
// take their share of the same cores.
type httpSide struct {
	server  *child
	request func(n int64) []byte // the whole request; n is new each time
	status  string               // of every answer; "" for any success
	n       atomic.Int64
	conns   []*conn
}

// round implements side.
func (h *httpSide) round(ctx context.Context, clients int, d time.Duration) (sample, error) {
	for len(h.conns) < clients {
		c, err := dial(ctx, h.server.URL)
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
		return h.conns[i].do(h.request(h.n.Add(1)), h.status)
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

// conn is one client.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(ctx context.Context, url string) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReaderSize(c, 16<<10)}, nil
}

// do sends a request and reads its answer.
func (c *conn) do(request []byte, status string) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	got := ""
	if len(line) > 12 {
		got = string(line[9:12])
	}
	length, err := c.head()
	if err != nil {
		return err
	}
	if got != status && (status != "" || got == "" || got[0] != '2') {
		body, _ := c.r.Peek(min(c.r.Buffered(), 500))
		return fmt.Errorf("answered %s, want %s: %s", got, status, body)
	}
	if length >= 0 {
		_, err = c.r.Discard(length)
		return err
	}
	return c.chunks()
}

// head reads the header and returns the length of the body, -1 for one in chunks.
func (c *conn) head() (length int, err error) {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return length, nil
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return 0, err
			}
		} else if bytes.Equal(line, []byte("Transfer-Encoding: chunked")) {
			length = -1
		}
	}
}

func (c *conn) chunks() error {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := c.r.Discard(int(n) + 2); err != nil || n == 0 {
			return err
		}
	}
}

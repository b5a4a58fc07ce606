package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/purserhq/purser/bench/client"
)

// server is a process that answers over HTTP.
type server struct {
	contestant
	url  string
	stop func() error
	// question appends the request for a customer and a feature to buf.
	question func(buf []byte, customer, feature string) []byte
	granted  string // is in the answer when the customer may
	denied   string // and when not
}

// The roles of servers.
const (
	purserServed = "purser"
	inMemory     = "memory"
	memoryCached = "memory, cached"
	onSQLite     = "sqlite"
	sqliteCached = "sqlite, cached"
)

var overHTTP = []contestant{
	{purserServed, "Purser, `purser serve` on SQLite"},
	{inMemory, "OpenFGA, in memory"},
	{memoryCached, "OpenFGA, in memory, checks cached"},
	{onSQLite, "OpenFGA, on SQLite"},
	{sqliteCached, "OpenFGA, on SQLite, checks cached"},
}

// overHTTP lets all servers answer the same load in turns.
func (b *bench) overHTTP(ctx context.Context) (err error) {
	if b.purser == "" {
		b.report.note("Nothing was measured over HTTP: the built server was not given.")
		return nil
	}
	var list []*server
	for _, c := range b.wanted(overHTTP) {
		if c.role != purserServed {
			if b.openfga == "" {
				b.report.note("OpenFGA was not measured: its server was not given.")
				break
			}
			if n := b.Customers; n > memoryLimit && (c.role == inMemory || c.role == memoryCached) {
				b.report.note(fmt.Sprintf("%s was not measured with %s customers: its store compares each new tuple with every other one, which takes too long to fill it.",
					c.name, thousands(n)))
				continue
			}
		}
		b.say("setting up %s", c.name)
		s, err := b.serve(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		if err := s.warmUp(ctx, b.Customers); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		list = append(list, s)
	}
	for _, n := range b.connections {
		rounds, err := takeTurns(ctx, len(list), b.rounds, func(i int) (load, error) {
			l, err := list[i].round(ctx, n, b.Customers, b.round)
			if err != nil {
				err = fmt.Errorf("%s: %w", list[i].name, err)
			}
			return l, err
		})
		if err != nil {
			return err
		}
		for i, s := range list {
			b.report.addServed(servedRow{
				name: s.name, customers: b.Customers, connections: n,
				rate: compare(rounds, i, load.rate), p50: compare(rounds, i, load.p50), p99: compare(rounds, i, load.p99),
			})
		}
	}
	return nil
}

func (b *bench) serve(ctx context.Context, c contestant) (*server, error) {
	if c.role == purserServed {
		return b.servePurser(ctx, c)
	}
	return b.serveOpenFGA(ctx, c)
}

// servePurser starts the server on the customers that seed made.
func (b *bench) servePurser(ctx context.Context, c contestant) (*server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{
		contestant: c, url: "http://" + address, granted: `"isGranted":true`, denied: `"isGranted":false`,
		question: func(buf []byte, customer, feature string) []byte {
			return fmt.Appendf(buf, "GET /api/v1/customers/%s/entitlements/check?featureId=%s HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n\r\n",
				customer, feature, address, serverKey)
		},
	}
	return s, s.start(ctx, b.dir, "/readyz", b.purser, "serve", "--listen", address, "--data", b.Data)
}

// start runs a program until stop, and waits until a path answers. What it says, log lines included, goes to a file.
func (s *server) start(ctx context.Context, dir, ready, program string, args ...string) error {
	log, err := os.Create(filepath.Join(dir, s.file()+".log"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		return errors.Join(err, log.Close())
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.stop = func() error {
		cancel()
		<-ended // how it ends says nothing: it was told to
		return log.Close()
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := call(ctx, http.MethodGet, s.url+ready, nil, nil)
		if err == nil {
			return nil
		}
		select {
		case werr := <-ended:
			cancel()
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("it ended: %w\n%s", errors.Join(werr, log.Close()), text[max(0, len(text)-2000):])
		default:
		}
		if time.Since(began) > 30*time.Second {
			return fmt.Errorf("it is not ready: %w", errors.Join(err, s.stop()))
		}
	}
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// call sends JSON and reads JSON; both may be nil.
func call(ctx context.Context, method, url string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err = io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d %.500s", method, url, res.StatusCode, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// warmUp compares some answers with the right ones. Of those that keep what they found out, it asks once about every
// customer.
func (s *server) warmUp(ctx context.Context, customers int) error {
	ids := customerNames(customers)
	err := verify(func(_ int, id, feature string) (bool, error) {
		return s.answer(ctx, id, feature)
	}, ids)
	if err != nil {
		return err
	}
	if s.role == inMemory || s.role == onSQLite {
		return nil
	}
	const clients = 16
	conns, err := s.connect(ctx, clients)
	if err != nil {
		return err
	}
	defer disconnect(conns)
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := c; i < len(ids) && errs[c] == nil; i += clients {
				errs[c] = conns[c].Do(s.question(nil, ids[i], features[i%len(features)]), "200")
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// answer asks once and reads the answer, on a connection of its own.
func (s *server) answer(ctx context.Context, customer, feature string) (bool, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close() }()
	request := bytes.Replace(s.question(nil, customer, feature), []byte("\r\n\r\n"), []byte("\r\nConnection: close\r\n\r\n"), 1)
	if _, err := c.Write(request); err != nil {
		return false, err
	}
	text, err := io.ReadAll(c)
	if err != nil {
		return false, err
	}
	granted, denied := bytes.Contains(text, []byte(s.granted)), bytes.Contains(text, []byte(s.denied))
	if granted == denied {
		return false, fmt.Errorf("answered %s", text)
	}
	return granted, nil
}

// connect opens n connections. Each round has its own: a server may close one that waits for its turn.
func (s *server) connect(ctx context.Context, n int) (list []*client.Conn, err error) {
	for range n {
		c, err := client.Dial(ctx, s.url)
		if err != nil {
			disconnect(list)
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func disconnect(list []*client.Conn) {
	for _, c := range list {
		_ = c.Close()
	}
}

// load is one round of a server.
type load struct {
	took    []time.Duration // each answer, sorted
	seconds float64
}

func (l load) rate() float64 { return float64(len(l.took)) / l.seconds }
func (l load) p50() float64  { return l.percentile(50) }
func (l load) p99() float64  { return l.percentile(99) }

// percentile is in microseconds.
func (l load) percentile(p int) float64 {
	return float64(l.took[(len(l.took)-1)*p/100].Nanoseconds()) / 1e3
}

// round asks over n connections, each of which waits for its answer, until the time is over.
func (s *server) round(ctx context.Context, n, customers int, d time.Duration) (load, error) {
	conns, err := s.connect(ctx, n)
	if err != nil {
		return load{}, err
	}
	defer disconnect(conns)
	ids := customerNames(customers)
	took, errs := make([][]time.Duration, n), make([]error, n)
	var over atomic.Bool
	var wg sync.WaitGroup
	start := time.Now()
	timer := time.AfterFunc(d, func() { over.Store(true) })
	defer timer.Stop()
	for k := range n {
		wg.Go(func() {
			var buf []byte
			for dice := newDice(k + int(start.UnixNano())); !over.Load() && errs[k] == nil; {
				customer, feature := dice.roll(customers)
				buf = s.question(buf[:0], ids[customer], features[feature])
				sent := time.Now()
				errs[k] = conns[k].Do(buf, "200")
				took[k] = append(took[k], time.Since(sent))
			}
		})
	}
	wg.Wait()
	l := load{took: slices.Concat(took...), seconds: time.Since(start).Seconds()}
	slices.Sort(l.took)
	if err := errors.Join(errs...); err != nil || len(l.took) == 0 {
		return l, errors.Join(err, fmt.Errorf("%d answers in %s", len(l.took), d))
	}
	return l, nil
}

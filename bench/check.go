package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/purserhq/purser/bench/client"
)

// warm is how many customers checks ask about; all are in memory.
const warm = 500

// helloRole is net/http with an answer ready: what any server in Go pays for a request.
func helloRole(ctx context.Context, p place, t *talk) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	body := []byte(p.Body)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/customers/{id}/entitlements/check", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
	s := &http.Server{Handler: mux}
	go func() { _ = s.Serve(l) }()
	err = t.answer(reply{URL: "http://" + l.Addr().String()}, nil)
	return joined(err, s.Close)
}

// checks compares GET …/entitlements/check with net/http alone: requests per second and the server's own CPU time.
func (b *bench) checks(ctx context.Context) error {
	for _, engine := range []string{sqlite, postgres} {
		if err := b.check(ctx, engine); err != nil {
			return fmt.Errorf("check on %s: %w", engine, err)
		}
	}
	if err := b.manyChecks(ctx); err != nil {
		return fmt.Errorf("check with many customers: %w", err)
	}
	return nil
}

// manyChecks is the check with a large cache, and how long the slowest in a hundred take. On one engine: the
// database is asked about everybody once, before.
func (b *bench) manyChecks(ctx context.Context) (err error) {
	size := thousands(b.many) + " customers"
	rate := row{what: "check over HTTP, " + size, engine: sqlite, clients: 16, unit: "/s", least: 0.75}
	cost := row{what: "check, server CPU, " + size, engine: sqlite, clients: 16, unit: " µs", most: 1.35}
	slow := row{what: "check, p99, " + size, engine: sqlite, clients: 16, unit: " µs", most: 1.5}
	if !b.wanted(rate.name(), cost.name(), slow.name()) {
		return nil
	}
	p, err := b.database(ctx, sqlite)
	if err != nil {
		return err
	}
	if err := copyCustomers(ctx, p, "plan-basic", b.many); err != nil {
		return err
	}
	ours, err := b.spawn("serve", p)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, ours.stop) }()
	purser := &httpSide{server: ours, request: checkRequests(ours, b.many), status: "200", times: [][]time.Duration{}}
	defer purser.close()
	if err := purser.each(ctx, int64(b.many)); err != nil {
		return err
	}
	body, err := checkAnswer(ctx, ours)
	if err != nil {
		return err
	}
	hello, err := b.spawn("hello", place{Body: body})
	if err != nil {
		return err
	}
	defer func() { err = joined(err, hello.stop) }()
	bare := &httpSide{server: hello, request: checkRequests(hello, b.many), status: "200", times: [][]time.Duration{}}
	defer bare.close()
	return b.profiled(ours, rate.name(), func() error {
		pairs, err := b.duel(ctx, rate.clients, purser, bare)
		if err == nil {
			b.report.add(compare(rate, pairs, sample.rate))
			b.report.add(compare(cost, pairs, sample.cost))
			b.report.add(compare(slow, pairs, func(s sample) float64 { return s.P99 * 1e6 }))
		}
		return err
	})
}

func (b *bench) check(ctx context.Context, engine string) (err error) {
	rate := row{what: "check over HTTP", engine: engine, unit: "/s", least: 0.75}
	cost := row{what: "check, server CPU", engine: engine, unit: " µs", most: 1.35}
	var clients []int
	for _, rate.clients = range b.clients {
		if cost.clients = rate.clients; b.wanted(rate.name(), cost.name()) {
			clients = append(clients, rate.clients)
		}
	}
	if clients == nil {
		return nil
	}
	p, err := b.database(ctx, engine)
	if err != nil {
		return err
	}
	ours, err := b.spawn("serve", p)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, ours.stop) }()
	body, err := warmUp(ctx, ours)
	if err != nil {
		return err
	}
	hello, err := b.spawn("hello", place{Body: body})
	if err != nil {
		return err
	}
	defer func() { err = joined(err, hello.stop) }()
	purser := &httpSide{server: ours, request: checkRequests(ours, warm), status: "200"}
	defer purser.close()
	bare := &httpSide{server: hello, request: checkRequests(hello, warm), status: "200"}
	defer bare.close()
	for _, rate.clients = range clients {
		cost.clients = rate.clients
		err := b.profiled(ours, rate.name(), func() error {
			pairs, err := b.duel(ctx, rate.clients, purser, bare)
			if err == nil {
				b.report.add(compare(rate, pairs, sample.rate))
				b.report.add(compare(cost, pairs, sample.cost))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkRequests are made beforehand, one per customer; the same ones go to both servers.
func checkRequests(server *child, customers int) func(int64) []byte {
	host := strings.TrimPrefix(server.URL, "http://")
	list := make([][]byte, customers)
	for i := range list {
		list[i] = fmt.Appendf(nil, "GET /api/v1/customers/%s/entitlements/check?featureId=%s HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\nX-Request-Id: bench-%d\r\n\r\n",
			customerRef("plan-basic", int64(i+1)), metered, host, serverKey, i)
	}
	return func(n int64) []byte { return list[n%int64(len(list))] }
}

// warmUp provisions the customers, lets each be checked once and returns what a check answers.
func warmUp(ctx context.Context, server *child) (body string, err error) {
	c, err := client.Dial(ctx, server.URL)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	provision, check := provisionRequest(server, "plan-basic"), checkRequests(server, warm)
	for n := range int64(warm) {
		if err := c.Do(provision(n+1), "201"); err != nil {
			return "", err
		}
		if err := c.Do(check(n), "200"); err != nil {
			return "", err
		}
	}
	return checkAnswer(ctx, server)
}

// checkAnswer is what a check answers.
func checkAnswer(ctx context.Context, server *child) (body string, err error) {
	url := fmt.Sprintf("%s/api/v1/customers/%s/entitlements/check?featureId=%s", server.URL, customerRef("plan-basic", 1), metered)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	req.Header.Set("X-Api-Key", serverKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || !strings.Contains(string(b), `"isGranted":true`)) {
		err = fmt.Errorf("a check answered %s: %s", res.Status, b)
	}
	return string(b), err
}

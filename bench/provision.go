package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/purserhq/purser/internal/app"
)

// The engines.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// The plans of the catalog (seed.go): one that is free and one that begins with a trial, which writes more rows.
var plans = []struct{ name, id string }{{"free", "plan-basic"}, {"trial", "plan-pro"}}

const serverKey = "server-0123456789abcdef0123456789abcdef"

// serveRole is a server as `purser serve` runs it, workers, metrics and log lines included.
func serveRole(ctx context.Context, p place, t *talk) error {
	a, err := app.New(ctx, app.Config{
		Place:   app.Place{Data: p.Data, Database: p.DSN},
		Logging: app.Logging{LogLevel: "info", LogFormat: "text"},
		Listen:  "127.0.0.1:0",
	})
	if err != nil {
		return err
	}
	url, _, err := a.Listen()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	err = t.answer(reply{URL: url}, nil)
	t.stop()
	if rerr := <-done; err == nil {
		err = rerr
	}
	return err
}

// provisionRequest is the call of the quick start for a new customer.
func provisionRequest(server *child, plan string) func(int64) []byte {
	host := server.URL[len("http://"):]
	return func(n int64) []byte {
		body := fmt.Sprintf(`{"id":"%s","name":"Ada Lovelace","email":"%[1]s@example.com","subscriptionParams":{"planId":"%s"}}`,
			customerRef(plan, n), plan)
		return fmt.Appendf(nil, "POST /api/v1/customers HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			host, serverKey, len(body), body)
	}
}

// customerRef is the id of the nth customer.
func customerRef(plan string, n int64) string { return fmt.Sprintf("customer-%s-%08d", plan, n) }

// rawSide is a process that runs the raw transaction.
type rawSide struct {
	*child
	plan string
	work string
}

// round implements side.
func (r rawSide) round(_ context.Context, clients int, d time.Duration) (sample, error) {
	before, err := r.ask(question{Do: "cpu"})
	if err != nil {
		return before, err
	}
	s, err := r.ask(question{Do: "round", Plan: r.plan, Work: r.work, Clients: clients, Time: d})
	s.CPU -= before.CPU
	return s, err
}

// provisions compares POST /api/v1/customers with the raw transaction.
func (b *bench) provisions(ctx context.Context) error {
	for _, engine := range []string{sqlite, postgres} {
		if err := b.provision(ctx, engine, "provision, %s", b.clients, map[int]float64{16: 0.7}); err != nil {
			return fmt.Errorf("provision on %s: %w", engine, err)
		}
	}
	return nil
}

// slowDelay is what strace adds to every fsync, in microseconds (storage.md 8).
const slowDelay = 1000

// slowDisk is provisions on a disk that takes a millisecond to sync: the writer's groups against one commit each.
func (b *bench) slowDisk(ctx context.Context) error {
	const what = "provision, %s, fsync + 1 ms"
	strace, err := exec.LookPath("strace")
	if err != nil {
		for _, plan := range plans {
			b.report.add(row{what: fmt.Sprintf(what, plan.name), engine: sqlite, clients: 64, least: 6, skipped: "strace is not installed"})
		}
		return nil
	}
	err = b.provision(ctx, sqlite, what, []int{64}, map[int]float64{64: 6},
		strace, "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync",
		"-e", fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", slowDelay))
	if err != nil {
		return fmt.Errorf("provision under strace: %w", err)
	}
	return nil
}

// provision measures one engine, each plan with every number of clients.
func (b *bench) provision(ctx context.Context, engine, what string, clients []int, least map[int]float64, wrap ...string) (err error) {
	var rows []row
	for _, plan := range plans {
		for _, n := range clients {
			r := row{what: fmt.Sprintf(what, plan.name), plan: plan.id, engine: engine, clients: n, unit: "/s", least: least[n]}
			if b.wanted(r.name()) {
				rows = append(rows, r)
			}
		}
	}
	if rows == nil {
		return nil
	}
	ours, raw, err := b.pair(ctx, engine, wrap)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, ours.stop, raw.stop) }()
	loads := map[string]*httpSide{}
	for _, plan := range plans {
		loads[plan.id] = &httpSide{server: ours, request: provisionRequest(ours, plan.id), status: "201"}
		defer loads[plan.id].close()
		if engine == postgres {
			if err := b.settle(ctx, loads[plan.id], rawSide{raw, plan.id, ""}); err != nil {
				return err
			}
		}
	}
	for _, r := range rows {
		err := b.profiled(ours, r.name(), func() error {
			pairs, err := b.duel(ctx, r.clients, loads[r.plan], rawSide{raw, r.plan, ""})
			if err == nil {
				b.report.add(compare(r, pairs, sample.rate))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settle brings new databases into the state that they are in for all but their first minute: with some customers, and
// analyzed. PostgreSQL plans for a table without statistics as if every index were as good as any other, on either side.
func (b *bench) settle(ctx context.Context, sides ...side) error {
	for _, s := range sides {
		for n := 0; n < settled; {
			done, err := s.round(ctx, 16, b.round/2)
			if err != nil {
				return err
			}
			n += done.Ops
		}
	}
	return b.analyze(ctx)
}

// settled is how many customers of each plan there are at least before anything is measured on PostgreSQL.
const settled = 500

// pair starts a server and its raw baseline, each with a database of its own.
func (b *bench) pair(ctx context.Context, engine string, wrap []string) (ours, raw *child, err error) {
	for i, role := range []string{"serve", "raw-" + engine} {
		p, err := b.database(ctx, engine)
		if err != nil {
			return nil, nil, err
		}
		c, err := b.spawn(role, p, wrap...)
		if err != nil {
			if ours != nil {
				_ = ours.stop()
			}
			return nil, nil, err
		}
		if i == 0 {
			ours = c
		} else {
			raw = c
		}
	}
	return ours, raw, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/purserhq/purser/internal/store/storetest/pgserver"
)

// bench is one run.
type bench struct {
	options
	dir    string
	report *report
	pg     *pgserver.Server
	n      int // names given
	// databases are those on PostgreSQL.
	databases []string
}

func (b *bench) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{b.inProcess, b.provisions, b.slowDisk, b.checks, b.usages, b.streams, b.catalogs, b.changes} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) close() error {
	if b.pg == nil {
		return nil
	}
	return b.pg.Stop()
}

// wanted reports whether one of a part's rows was asked for.
func (b *bench) wanted(names ...string) bool {
	return slices.ContainsFunc(names, b.only.MatchString)
}

// sample is one round of one side.
type sample struct {
	Ops     int
	Seconds float64
	CPU     float64 // seconds of the process under test
	Allocs  float64 // of that process, where it was counted
	P99     float64 // seconds of an answer, where it was counted
}

func (s sample) rate() float64 { return float64(s.Ops) / s.Seconds }
func (s sample) cost() float64 { return s.CPU / float64(s.Ops) * 1e6 }

// side does the same work again and again, with so many clients, for so long.
type side interface {
	round(ctx context.Context, clients int, d time.Duration) (sample, error)
}

// duel lets both sides take turns.
func (b *bench) duel(ctx context.Context, clients int, ours, raw side) (pairs [][2]sample, err error) {
	rounds, err := b.turns(ctx, b.round, turn{ours, clients}, turn{raw, clients})
	return pair(rounds, 0, 1), err
}

// turn is a side with a number of clients.
type turn struct {
	side
	clients int
}

// turns returns rounds of several sides, in their order; each begins with another side. Before them each side has one
// that does not count.
func (b *bench) turns(ctx context.Context, d time.Duration, sides ...turn) (rounds [][]sample, err error) {
	for i := -1; i < b.rounds; i++ {
		list, d := make([]sample, len(sides)), d
		if i < 0 {
			d /= 2
		}
		for n := range sides {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			k := (n + max(i, 0)) % len(sides)
			if list[k], err = sides[k].round(ctx, sides[k].clients, d); err != nil {
				return nil, err
			}
			if list[k].Ops == 0 {
				return nil, fmt.Errorf("%T: not one answer in %s", sides[k].side, d)
			}
		}
		if i >= 0 {
			rounds = append(rounds, list)
		}
	}
	return rounds, nil
}

// pair picks two sides of rounds.
func pair(rounds [][]sample, ours, raw int) (pairs [][2]sample) {
	for _, r := range rounds {
		pairs = append(pairs, [2]sample{r[ours], r[raw]})
	}
	return pairs
}

// compare makes one row of pairs of a measure; the ratio is the median of the rounds' own ratios.
func compare(row row, pairs [][2]sample, measure func(sample) float64) row {
	var ours, raw, ratio, oursCPU, rawCPU []float64
	for _, p := range pairs {
		oursCPU, rawCPU = append(oursCPU, p[0].cost()), append(rawCPU, p[1].cost())
		o, r := measure(p[0]), measure(p[1])
		ours, raw, ratio = append(ours, o), append(raw, r), append(ratio, o/r)
	}
	row.oursCPU, row.rawCPU = median(oursCPU), median(rawCPU)
	row.ours, row.raw, row.ratio = median(ours), median(raw), median(ratio)
	return row
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	if n%2 == 1 {
		return list[n/2]
	}
	return (list[n/2-1] + list[n/2]) / 2
}

// profiled runs fn while a server writes a CPU profile, if one was asked for.
func (b *bench) profiled(c *child, name string, fn func() error) error {
	if b.profiles == "" {
		return fn()
	}
	dir, err := filepath.Abs(b.profiles)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, strings.NewReplacer(" ", "-", ",", "").Replace(name)+".pprof")
	if _, err := c.ask(question{Do: "profile", File: file}); err != nil {
		return err
	}
	err = fn()
	if _, perr := c.ask(question{Do: "profiled"}); err == nil {
		err = perr
	}
	return err
}

// postgres starts the server of this run, once, with its own defaults for durability.
func (b *bench) postgres(ctx context.Context) error {
	if b.pg != nil {
		return nil
	}
	var err error
	b.pg, err = pgserver.StartWith(ctx, pgserver.Options{Fsync: true})
	if err == nil {
		b.report.postgres = b.pg.Version
	}
	return err
}

// database makes a database with the account and the catalog in it.
func (b *bench) database(ctx context.Context, engine string) (place, error) {
	b.n++
	p := place{Engine: engine}
	name := fmt.Sprintf("bench%d", b.n)
	if engine == sqlite {
		p.Data = filepath.Join(b.dir, name)
		if err := os.MkdirAll(p.Data, 0o700); err != nil {
			return p, err
		}
		return p, seed(ctx, p)
	}
	if err := b.postgres(ctx); err != nil {
		return p, err
	}
	if err := b.pg.CreateDatabase(ctx, name, ""); err != nil {
		return p, err
	}
	p.DSN = b.pg.DSN(name)
	b.databases = append(b.databases, p.DSN)
	return p, seed(ctx, p)
}

// analyze does what PostgreSQL does by itself within a minute.
func (b *bench) analyze(ctx context.Context) error {
	for _, dsn := range b.databases {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, `vacuum analyze`)
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			return err
		}
	}
	return nil
}

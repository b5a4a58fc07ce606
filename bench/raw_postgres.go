package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// rawPostgres is a pool as large as Purser's own. A provision takes two round trips: BEGIN with the reads, and the rows
// with COMMIT.
type rawPostgres struct {
	pool  *pgxpool.Pool
	plans map[string]rawPlan
	usage rawUsage
	n     atomic.Int64
}

func openRawPostgres(ctx context.Context, p place) (*rawPostgres, error) {
	cfg, err := pgxpool.ParseConfig(p.DSN)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = 16
	r := &rawPostgres{plans: map[string]rawPlan{}}
	if r.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, err
	}
	for _, plan := range plans {
		known := rawPlan{ref: plan.id}
		if err := r.pool.QueryRow(ctx, planSQL, env, plan.id).Scan(known.dest()...); err != nil {
			r.pool.Close()
			return nil, err
		}
		r.plans[plan.id] = known
	}
	if err := r.pool.QueryRow(ctx, meteredSQL, env, metered).Scan(&r.usage.feature); err != nil {
		r.pool.Close()
		return nil, err
	}
	rows, err := r.pool.Query(ctx, copiesSQL, env, usageCustomers)
	if err == nil {
		r.usage.customers, err = pgx.CollectRows(rows, pgx.RowToStructByPos[rawCustomer])
	}
	if err != nil {
		r.pool.Close()
		return nil, err
	}
	return r, nil
}

func (r *rawPostgres) close() error {
	r.pool.Close()
	return nil
}

func postgresStamp(t time.Time) any { return t }

// provision is the raw transaction.
func (r *rawPostgres) provision(ctx context.Context, plan rawPlan, ref string) error {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	first := &pgx.Batch{}
	first.Queue(`begin`)
	first.Queue(headSQL, env)
	first.Queue(customerSQL+` for update of c`, env, ref)
	if err := conn.SendBatch(ctx, first).Close(); err != nil {
		return err
	}
	second := &pgx.Batch{}
	for _, row := range plan.inserts(ref, rawNow(), postgresStamp) {
		second.Queue(row.sql, row.args...)
	}
	second.Queue(`commit`)
	return conn.SendBatch(ctx, second).Close()
}

func (r *rawPostgres) round(ctx context.Context, q question) (sample, error) {
	switch q.Work {
	case reportWork:
		return crowd(q.Clients, q.Time, func(int) error { return r.report(ctx) })
	case reportsWork:
		return crowd(q.Clients, q.Time, func(int) error { return r.reports(ctx) })
	case eventsWork:
		return crowd(q.Clients, q.Time, func(int) error { return r.events(ctx) })
	}
	plan := r.plans[q.Plan]
	return crowd(q.Clients, q.Time, func(int) error {
		return r.provision(ctx, plan, customerRef(plan.ref, r.n.Add(1)))
	})
}

func rawPostgresRole(ctx context.Context, p place, t *talk) (err error) {
	r, err := openRawPostgres(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, r.close) }()
	return t.answer(reply{}, func(q question) (sample, error) { return r.round(ctx, q) })
}

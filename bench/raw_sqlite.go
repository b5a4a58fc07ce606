package main

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// rawSQLite is one connection with prepared statements, and a lock before it: each provision is a transaction of its own.
type rawSQLite struct {
	mu    sync.Mutex
	pool  *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	plans map[string]rawPlan
	usage rawUsage
	n     atomic.Int64
}

// openRawSQLite has the settings of Purser's own writer, with checkpoints as SQLite makes them by itself.
func openRawSQLite(ctx context.Context, p place) (*rawSQLite, error) {
	q := url.Values{"_pragma": {"busy_timeout(5000)", "foreign_keys(1)", "synchronous(FULL)", "journal_mode(WAL)", "cache_size(-65536)"}}
	pool, err := sql.Open("sqlite", "file:"+p.file()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	r := &rawSQLite{pool: pool, stmts: map[string]*sql.Stmt{}, plans: map[string]rawPlan{}}
	if r.conn, err = pool.Conn(ctx); err != nil {
		return nil, err
	}
	for _, text := range []string{
		`begin immediate`, `commit`, `rollback`, headSQL, customerSQL,
		insertCustomerSQL, insertSubscriptionSQL, insertTimerSQL, insertEventSQL,
		insertMeasurementSQL, counterSQL, saveCounterSQL, insertUsageEventSQL,
	} {
		stmt, err := r.conn.PrepareContext(ctx, strings.TrimSpace(text)) //nolint:sqlclosecheck // close does
		if err != nil {
			return nil, err
		}
		r.stmts[text] = stmt
	}
	for _, plan := range plans {
		known := rawPlan{ref: plan.id}
		if err := r.conn.QueryRowContext(ctx, planSQL, env, plan.id).Scan(known.dest()...); err != nil {
			return nil, err
		}
		r.plans[plan.id] = known
	}
	if err := r.conn.QueryRowContext(ctx, meteredSQL, env, metered).Scan(&r.usage.feature); err != nil {
		return nil, err
	}
	return r, r.copies(ctx)
}

func (r *rawSQLite) close() error {
	for _, s := range r.stmts {
		_ = s.Close()
	}
	return joined(r.conn.Close(), r.pool.Close)
}

func sqliteStamp(t time.Time) any { return t.Format("2006-01-02T15:04:05.000000Z") }

// provision is the raw transaction.
func (r *rawSQLite) provision(ctx context.Context, plan rawPlan, ref string) error {
	return r.transaction(ctx, func() error {
		for _, read := range []insert{{headSQL, []any{env}}, {customerSQL, []any{env, ref}}} {
			if err := r.drain(ctx, read); err != nil {
				return err
			}
		}
		return r.insert(ctx, plan.inserts(ref, rawNow(), sqliteStamp))
	})
}

func (r *rawSQLite) transaction(ctx context.Context, fn func() error) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.stmts[`begin immediate`].ExecContext(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = r.stmts[`rollback`].ExecContext(ctx)
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	_, err = r.stmts[`commit`].ExecContext(ctx)
	return err
}

func (r *rawSQLite) insert(ctx context.Context, list []insert) (err error) {
	for _, row := range list {
		if row.sql == insertEventSQL {
			err = r.drain(ctx, row)
		} else {
			_, err = r.stmts[row.sql].ExecContext(ctx, row.args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drain runs a statement and reads the rows that it returns.
func (r *rawSQLite) drain(ctx context.Context, q insert) error {
	rows, err := r.stmts[q.sql].QueryContext(ctx, q.args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		return err
	}
	dest := make([]any, len(cols))
	for i := range dest {
		dest[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *rawSQLite) round(ctx context.Context, q question) (sample, error) {
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

func rawSQLiteRole(ctx context.Context, p place, t *talk) (err error) {
	r, err := openRawSQLite(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, r.close) }()
	return t.answer(reply{}, func(q question) (sample, error) { return r.round(ctx, q) })
}

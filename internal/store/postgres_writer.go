package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

const (
	// pgAttempts bounds how often a transaction is run after a serialization failure or a deadlock.
	pgAttempts = 6
	// commitTime is how long a commit may take once it was sent: the caller's deadline no longer counts then, since
	// giving up would leave the outcome unknown. Finding out about a lost one may take as long again.
	commitTime = 10 * time.Second
	// beginWrite names what a role or a database may have other defaults for.
	beginWrite = `begin isolation level read committed read write`
)

var errOutcomeUnknown = errs.ServiceUnavailable.Because(
	"The connection to the database was lost while committing, and the outcome is not known. Read before you repeat.").After(time.Second)

// write runs the request's function in a READ COMMITTED transaction of two round trips: BEGIN with the environment and
// the first locks, and what was queued with COMMIT.
func (e *postgresEngine) write(ctx context.Context, env tenant.ID, w writeRequest) error {
	for attempt := 1; ; attempt++ {
		events, err := e.attempt(ctx, env, w)
		if err == nil {
			w.committed(events)
			return nil
		}
		if attempt == pgAttempts || !again(err) {
			return pgAnswer(ctx, err)
		}
		if e.db.watch.Retry != nil {
			e.db.watch.Retry()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(time.Duration(rand.Int64N(int64(attempt) * int64(10*time.Millisecond)))):
		}
	}
}

// again reports whether a transaction failed only because of its neighbours, or before it began.
func again(err error) bool {
	var lost *unopened
	var pg *pgconn.PgError
	return errors.As(err, &lost) || errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// attempt runs the transaction once and returns its events.
func (e *postgresEngine) attempt(ctx context.Context, env tenant.ID, w writeRequest) ([]event.Event, error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	defer rollback(conn)
	t := e.tx(conn, env, w.actor)
	defer t.end()
	if err := t.open(ctx, conn.Conn(), beginWrite, e.first(env, w)); err != nil {
		return nil, err
	}
	e.tripped()
	err = t.verdict(t.guarded(func() error { return w.fn(t) }))
	if err == nil {
		err = e.commit(ctx, conn, t)
	}
	if err != nil {
		return nil, e.refused(ctx, conn, t, w, err)
	}
	return t.events, nil
}

func (e *postgresEngine) tx(conn *pgxpool.Conn, env tenant.ID, actor event.Actor) *Tx {
	return &Tx{
		db: e.db, env: env, actor: actor, final: e.db.Final(), locked: map[tx.Lock]any{},
		session: &pgWrite{conn: conn.Conn(), tripped: e.tripped},
	}
}

// first lists what travels with BEGIN: the transaction's id, the answer to a repeated request, the locks.
func (e *postgresEngine) first(env tenant.ID, w writeRequest) []pgFirst {
	var list []pgFirst
	if env == 0 {
		list = append(list, xidFirst)
	}
	if w.once != nil {
		list = append(list, pgFirst{
			sql:  `select pg_try_advisory_xact_lock(hashtextextended($1, $2))`,
			args: []any{w.once.Route + " " + w.once.Key, int64(env)},
			scan: func(t *Tx) func(rows) error {
				t.answer = &storedAnswer{}
				return func(r rows) error {
					var held bool
					err := r.Scan(&held)
					t.answer.busy = !held
					return err
				}
			},
		}, pgFirst{
			// A statement of its own: its snapshot is younger than the lock.
			sql:  answerSQL,
			args: e.db.answerArgs(env, w.once),
			scan: func(t *Tx) func(rows) error { return t.answer.scan },
		})
	}
	return append(list, firstLocks(env, w.first)...)
}

// xidFirst is the transaction's id where no environment's row is read, which brings it along.
var xidFirst = pgFirst{
	sql:  `select pg_current_xact_id()::text`,
	scan: func(t *Tx) func(rows) error { return func(r rows) error { return r.Scan(&t.head.xid) } },
}

func (e *postgresEngine) tripped() {
	if e.db.watch.RoundTrip != nil {
		e.db.watch.RoundTrip()
	}
}

// refused undoes the transaction. A refusal that belongs to an idempotency key is stored, in this transaction when
// nothing was written in it yet, else in one of its own.
func (e *postgresEngine) refused(ctx context.Context, conn *pgxpool.Conn, t *Tx, w writeRequest, err error) error {
	if t.catalog {
		e.db.catalogs.forget(t.env)
	}
	if w.refuse == nil || again(err) || pgTrouble(err) || errors.Is(err, errs.ServiceUnavailable) {
		return err
	}
	if t.dead != nil || t.flushed || conn.Conn().PgConn().TxStatus() != 'T' {
		rollback(conn)
		if conn.Conn().IsClosed() {
			return err
		}
		fresh := e.tx(conn, t.env, t.actor)
		defer fresh.end()
		if oerr := fresh.open(context.WithoutCancel(ctx), conn.Conn(), beginWrite, e.first(t.env, writeRequest{})); oerr != nil {
			return err
		}
		t = fresh
	}
	t.queue, t.events, t.catalog = nil, nil, false
	stored := false
	if gerr := t.guarded(func() error { stored = w.refuse(t, err); return nil }); gerr != nil || !stored {
		return err
	}
	// A refusal that could not be stored is still one: the same request will be refused again.
	if cerr := e.commit(ctx, conn, t); cerr != nil {
		e.db.log.Warn("store a refusal", "error", cerr)
	}
	return err
}

// commit sends what is queued together with COMMIT. Where a row count is expected COMMIT waits for it, one round trip
// more: a missed count is no SQL error, and nothing half-applied may commit (storage.md 3.1).
func (e *postgresEngine) commit(ctx context.Context, conn *pgxpool.Conn, t *Tx) error {
	var list []statement
	err := t.guarded(func() (err error) {
		list, err = t.commitList()
		return err
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	limited, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	if counts(list) {
		if err := t.session.run(limited, list); err != nil {
			return t.fail(err)
		}
		list = nil
	}
	err = t.session.run(limited, append(list, statement{sql: `commit`, expect: anyRows}))
	if err != nil && conn.Conn().IsClosed() {
		return e.outcome(ctx, t, err)
	}
	return t.fail(err)
}

// counts reports whether a statement of the list expects a number of rows.
func counts(list []statement) bool {
	for _, st := range list {
		if st.expect != anyRows {
			return true
		}
	}
	return false
}

// outcome asks whether a transaction whose connection was lost during COMMIT is durable. The closure is never run
// again blindly (storage.md 3.3).
func (e *postgresEngine) outcome(ctx context.Context, t *Tx, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	for {
		var status *string
		err := e.side.QueryRow(ctx, `select pg_xact_status($1::text::xid8)`, t.head.xid).Scan(&status)
		switch {
		case err != nil: // the server may be starting again
		case status == nil:
			return errOutcomeUnknown.Wrap(cause)
		case *status == "committed":
			return e.positions(ctx, t)
		case *status == "aborted":
			return errs.ServiceUnavailable.Because("The connection to the database was lost. Nothing was written.").After(time.Second).Wrap(cause)
		}
		if !pause(ctx, 20*time.Millisecond) {
			return errOutcomeUnknown.Wrap(errors.Join(cause, err, ctx.Err()))
		}
	}
}

// positions reads where the events of a committed transaction stand whose answer was lost. They are among the newest.
func (e *postgresEngine) positions(ctx context.Context, t *Tx) error {
	if len(t.events) == 0 {
		return nil
	}
	r, err := e.side.Query(ctx, `
		select position from events
		where position > (select last_value from event_position) - 100000 and xmin = xid($1::text::xid8)
		order by position`, t.head.xid)
	if err != nil {
		return errOutcomeUnknown.Wrap(err)
	}
	list, err := pgx.CollectRows(r, pgx.RowTo[int64])
	if err != nil || len(list) != len(t.events) {
		return errOutcomeUnknown.Wrap(fmt.Errorf("%d of %d events found: %w", len(list), len(t.events), errors.Join(err, errNoRow)))
	}
	for i := range list {
		t.events[i].Position = list[i]
	}
	return nil
}

// pgWrite is an open transaction.
type pgWrite struct {
	conn    *pgx.Conn
	tripped func()
}

func (s *pgWrite) query(ctx context.Context, text string, args []any) (rows, error) {
	s.tripped()
	r, err := s.conn.Query(ctx, text, args...)
	return pgRows{r}, err
}

// run pipelines a list of statements; the first failing one is the error and the rest did not run.
func (s *pgWrite) run(ctx context.Context, list []statement) error {
	s.tripped()
	b := &pgx.Batch{}
	for _, st := range list {
		b.Queue(st.sql, st.args...)
	}
	br := s.conn.SendBatch(ctx, b)
	for _, st := range list {
		if err := receive(br, st); err != nil {
			_ = br.Close()
			return err
		}
	}
	return br.Close()
}

func receive(br pgx.BatchResults, st statement) error {
	if st.scan != nil {
		r, err := br.Query()
		if err != nil {
			return translate(err)
		}
		return scanAll(pgRows{r}, st.scan)
	}
	tag, err := br.Exec()
	if err != nil {
		return translate(err)
	}
	if n := tag.RowsAffected(); st.expect != anyRows && n != st.expect {
		return missed(st, n, nil)
	}
	return nil
}

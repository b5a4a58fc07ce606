// Package store is all SQL: one text for SQLite and PostgreSQL, one file per noun.
//
// DB runs transactions; *Tx has every query as a method and so satisfies the Store
// that each noun declares (As binds them). Methods that return nothing are queued
// and travel with the commit. How the engines group, lock and retry is in
// sqlite_writer.go and postgres_writer.go; the rules are storage.md 1–4.
package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// Config says which database and how to watch it.
type Config struct {
	// Path is the SQLite file. Ignored when DSN is given.
	Path string
	// DSN is a PostgreSQL URL or keyword string.
	DSN string
	// MaxConns bounds the PostgreSQL pool (default 16) and the SQLite readers (default 4).
	MaxConns int
	Clock    clock.Clock
	Log      *slog.Logger
	Watch    Watch

	tailIdle time.Duration // between polls of the feed when nobody called; for tests
}

// Watch receives measurements. Nil members are ignored; they must be fast and safe for concurrent use.
type Watch struct {
	Group     func(members int) // a SQLite group was committed
	Retry     func()            // a PostgreSQL transaction was run again
	RoundTrip func()            // a write waited for the database once
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine
	clock     clock.Clock
	log       *slog.Logger
	watch     Watch
	catalogs  catalogCache
	inflight  inflight
	feed      feedState
	closing   sync.Once
	verifying sync.Mutex
	closed    error
}

// engine is what differs between SQLite and PostgreSQL as a whole; dialect.go has what differs in a query.
type engine interface {
	// read runs fn in one read-only database snapshot.
	read(ctx context.Context, env tenant.ID, fn func(*Tx) error) error
	// write runs fn in one transaction and commits it with what fn queued.
	write(ctx context.Context, env tenant.ID, w writeRequest) error
	// final finds up to where the feed is final now.
	final(ctx context.Context) error
	// tail keeps that current until ctx ends.
	tail(ctx context.Context)
	dialect() dialect
	close() error
}

// writeRequest is one write as an engine sees it.
type writeRequest struct {
	fn    func(*Tx) error
	first []tx.Lock
	once  *tx.Once
	actor event.Actor
	// refuse makes what to queue when fn refused with an error that is to be remembered; nil for none.
	refuse func(*Tx, error) bool
	// committed is called after the commit and before the caller gets its answer; on SQLite also before the events are
	// final, and by the writer.
	committed func([]event.Event)
}

// Open opens the database and brings its tables up to date.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	db := &DB{clock: cfg.Clock, log: cfg.Log, watch: cfg.Watch}
	var err error
	if cfg.DSN != "" {
		db.engine, err = openPostgres(ctx, cfg, db)
	} else {
		db.engine, err = openSQLite(ctx, cfg, db)
	}
	if err != nil {
		return nil, err
	}
	if err := db.feed.start(ctx, db); err != nil {
		return nil, errors.Join(err, db.engine.close())
	}
	return db, nil
}

// Close ends the tailer, waits for writes under way and closes the database. What comes later is ServiceUnavailable.
func (db *DB) Close() error {
	db.closing.Do(func() {
		db.feed.stop()
		db.closed = db.engine.close()
	})
	return db.closed
}

var errClosed = errs.ServiceUnavailable.Because("The server is shutting down.").After(time.Second)

// Read runs fn in one database snapshot. On SQLite it lasts at most five seconds.
func (db *DB) Read(ctx context.Context, env tenant.ID, fn func(*Tx, time.Time) error) error {
	return db.read(ctx, env, func(t *Tx) error { return fn(t, t.now) })
}

// Write runs fn in one transaction and commits. Readers of the feed in this process have been told when it returns, and
// so has the request's tx.Position.
func (db *DB) Write(ctx context.Context, env tenant.ID, fn func(*Tx, time.Time) error, first ...tx.Lock) error {
	w := writeRequest{
		fn:        func(t *Tx) error { return fn(t, t.now) },
		first:     first,
		actor:     event.ActorFrom(ctx),
		committed: db.committed,
	}
	once := tx.OnceFrom(ctx)
	if once != nil {
		if !db.inflight.enter(env, once) {
			return errInFlight
		}
		defer db.inflight.leave(env, once)
		w.withOnce(env, once)
	}
	if p := tx.PositionFrom(ctx); p != nil {
		defer w.tell(p)()
	}
	return db.write(ctx, env, w)
}

// tell makes p hear of the write. What is returned is called when the write has its outcome: a write that left no event,
// a replay or a refusal has seen what others wrote.
func (w *writeRequest) tell(p *tx.Position) (ended func()) {
	var seen int64
	fn, committed := w.fn, w.committed
	w.fn = func(t *Tx) error {
		seen = max(t.final, t.head.position)
		return fn(t)
	}
	w.committed = func(events []event.Event) {
		committed(events)
		for i := range events {
			p.Reach(events[i].Position)
		}
	}
	return func() { p.Reach(seen) }
}

// Shared reports whether other processes may write to this database.
func (db *DB) Shared() bool { return db.dialect().name() == "postgres" }

// As gives a noun its view of the database.
func As[S any](db *DB, conv func(*Tx) S) tx.Runner[S] { return tx.As[*Tx, S](db, conv) }

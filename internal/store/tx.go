package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
)

// Tx is one transaction. Its query methods, one file per noun, satisfy the Stores that nouns declare. It belongs to
// the function that it was given to.
type Tx struct {
	db      *DB
	session session
	env     tenant.ID
	actor   event.Actor
	head    head
	now     time.Time
	queue   []statement
	events  []event.Event
	locked  map[tx.Lock]any // what travelled with BEGIN
	answer  *storedAnswer   // what is stored for the request's idempotency key, if it has one
	final   int64           // what of the feed was final before this transaction could see anything
	flushed bool            // something was written before the commit
	reading bool            // rows of a query are being scanned
	dead    error           // the first database error; nothing runs after it
	catalog bool            // this transaction changed the catalog
}

// head is the environment's row, and the account's terms, as every transaction reads them first.
type head struct {
	clock          *time.Time // where the test clock stands; nil for real time
	catalogVersion int64
	newest         *time.Time // the newest event's time
	position       int64      // and its position; it may not be final yet
	billing        account.BillingDefaults
	xid            string // PostgreSQL's transaction id, of writes
}

// session is one engine's open transaction.
type session interface {
	query(ctx context.Context, sql string, args []any) (rows, error)
	// run executes statements in order and stops at the first that fails.
	run(ctx context.Context, list []statement) error
}

// rows is the part of a result that both drivers share.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// statement is a queued statement and what it must do.
type statement struct {
	sql       string
	args      []any
	expect    int64 // rows that must be affected; anyRows for no matter
	otherwise error // the answer when expect is missed
	scan      func(rows) error
}

const anyRows = -1

// Faults of the program.
var (
	errReadOnly = errors.New("store: a write inside Read")
	errNested   = errors.New("store: a query while the rows of another are being read")
	errEnded    = errors.New("store: the transaction has ended")
)

// scanError is a row that does not fit what it is read into.
type scanError struct{ err error }

func (s *scanError) Error() string { return "scan: " + s.err.Error() }
func (s *scanError) Unwrap() error { return s.err }

// exec queues a statement. Its errors surface when the transaction ends, or at the next read.
func (t *Tx) exec(text string, args ...any) {
	t.queue = append(t.queue, statement{sql: text, args: args, expect: anyRows})
}

// expect queues a statement that must affect exactly n rows; otherwise is the transaction's error.
func (t *Tx) expect(n int64, otherwise error, text string, args ...any) {
	t.queue = append(t.queue, statement{sql: text, args: args, expect: n, otherwise: otherwise})
}

// flush sends what is queued, before a read.
func (t *Tx) flush(ctx context.Context) error {
	if t.dead != nil {
		return t.dead
	}
	if len(t.queue) == 0 {
		return nil
	}
	list := t.queue
	t.queue = nil
	t.flushed = true
	return t.fail(t.session.run(ctx, list))
}

// fail remembers the first error: after it the transaction is dead on both engines alike.
func (t *Tx) fail(err error) error {
	if err != nil && t.dead == nil {
		t.dead = err
	}
	return err
}

// end makes a transaction unusable: its connection belongs to somebody else from now on.
func (t *Tx) end() { t.dead = errEnded }

// verdict is the outcome of a transaction whose function returned err. A database error counts even where the function
// swallowed it, or took it for something that its own rules have a word for.
func (t *Tx) verdict(err error) error {
	if t.dead != nil && (err == nil || !isConstraint(t.dead) && !errors.Is(err, t.dead)) {
		return t.dead
	}
	return err
}

// guarded turns a panic into an error, so that the caller gets a 500 and its neighbours nothing.
func (t *Tx) guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			t.db.log.Error("panic in a transaction", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errs.Unexpected.Wrap(fmt.Errorf("panic: %v", p))
		}
	}()
	return fn()
}

// each runs a query and calls scan for every row. scan must not query.
func (t *Tx) each(ctx context.Context, scan func(rows) error, text string, args ...any) error {
	if t.reading {
		return t.fail(errNested)
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	r, err := t.session.query(ctx, text, args)
	if err != nil {
		return t.fail(translate(err))
	}
	t.reading = true
	err = scanAll(r, scan)
	t.reading = false
	return t.fail(err)
}

// scanAll calls scan for every row and closes the rows, also when scan panics: the connection is shared on SQLite.
func scanAll(r rows, scan func(rows) error) (err error) {
	defer func() {
		if cerr := r.Close(); err == nil {
			err = translate(cerr)
		}
	}()
	for r.Next() {
		if err := scan(r); err != nil {
			return &scanError{err}
		}
	}
	return translate(r.Err())
}

// one runs a query for a single row and scans it; notFound when there is none.
func (t *Tx) one(ctx context.Context, notFound error, dest []any, text string, args ...any) error {
	found := false
	err := t.each(ctx, func(r rows) error {
		found = true
		return r.Scan(dest...)
	}, text, args...)
	if err == nil && !found {
		return notFound
	}
	return err
}

// all collects the rows of a query.
func all[T any](ctx context.Context, t *Tx, scan func(rows) (T, error), text string, args ...any) ([]T, error) {
	var out []T
	err := t.each(ctx, func(r rows) error {
		v, err := scan(r)
		out = append(out, v)
		return err
	}, text, args...)
	return out, err
}

// first returns the first row of a query; notFound when there is none.
func first[T any](ctx context.Context, t *Tx, notFound error, scan func(rows) (T, error), text string, args ...any) (T, error) {
	list, err := all(ctx, t, scan, text, args...)
	if err == nil && len(list) == 0 {
		err = notFound
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return list[0], nil
}

// errNoRow is for queries whose caller decides what a missing row means.
var errNoRow = sql.ErrNoRows

// Now is the environment's business time in this transaction.
func (t *Tx) Now() time.Time { return t.now }

// Final is the position up to which this transaction sees the feed whole. It was taken before the transaction's
// snapshot: DB.Final, asked inside a Read, can be ahead of what that Read sees.
func (t *Tx) Final() int64 { return t.final }

// settleNow computes the business time from the head: a test clock stands; real time never runs behind the newest event.
func (t *Tx) settleNow() {
	t.now = clock.Business(t.db.clock.Now())
	switch {
	case t.head.clock != nil:
		t.now = *t.head.clock
	case t.head.newest != nil && t.head.newest.After(t.now):
		t.now = *t.head.newest
	}
}

// TestClock reports whether the environment's time is a test clock.
func (t *Tx) TestClock() bool { return t.head.clock != nil }

// commitList is everything that travels with the commit: what is queued, then the events.
func (t *Tx) commitList() ([]statement, error) {
	if t.catalog {
		t.exec(`update environments set catalog_version = catalog_version + 1 where id = $1`, t.env)
	}
	list := t.queue
	t.queue = nil
	ev, err := t.eventStatements()
	if err != nil {
		return nil, err
	}
	return append(list, ev...), nil
}

const (
	headSelect = `
		select e.clock, e.catalog_version, (select v.at from events v where v.environment = e.id order by v.position desc limit 1),
			coalesce((select v.position from events v where v.environment = e.id order by v.position desc limit 1), 0),
			a.timezone, a.subscription_billing_anchor, a.subscription_proration_behavior`
	headFrom = `
		from environments e join accounts a on a.id = e.account_id where e.id = $1`
	headSQL = headSelect + headFrom
)

func (h *head) dest() []any {
	b := &h.billing
	return []any{nullTime{&h.clock}, &h.catalogVersion, nullTime{&h.newest}, &h.position, &b.Timezone, &b.Anchor, &b.Proration}
}

var errNoEnvironment = errs.IdentityForbidden.Because("There is no such environment.")

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// The limits of a group and of the queue before it (storage.md 2.5), and of the prepared statements that are kept.
const (
	groupMembers = 64
	groupTime    = 5 * time.Millisecond
	queueMembers = 4096
	queueTime    = 5 * time.Second
	keptStmts    = 500
)

var errBusy = errs.ServiceUnavailable.Because("Too many writes are waiting. Try again.").After(time.Second)

// sqliteWriter owns the write connection. It opens a transaction, runs the waiting closures one after another, each in
// its savepoint, commits once and then answers all of them: refusals too, since a refusal may have read what a
// neighbour wrote.
type sqliteWriter struct {
	db    *DB
	pool  *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	done  chan struct{}

	mu     sync.RWMutex // held for reading while something is put into the queue
	closed bool
	queue  chan *member
}

// member is one write in a group.
type member struct {
	ctx      context.Context // for its deadline only: the driver never gets it (rule 1)
	env      tenant.ID
	w        writeRequest
	queued   time.Time
	state    atomic.Int32 // waiting, then taken by the writer or left by the caller
	late     error        // why it was taken and not run
	events   []event.Event
	err      error
	answered chan struct{}
	between  func() // run instead, between two groups
}

// A member's states.
const (
	waiting = iota
	taken
	left
)

func newSQLiteWriter(ctx context.Context, pool *sql.DB, db *DB) (*sqliteWriter, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &sqliteWriter{
		db: db, pool: pool, conn: conn, stmts: map[string]*sql.Stmt{},
		queue: make(chan *member, queueMembers), done: make(chan struct{}),
	}
	go w.loop()
	return w, nil
}

// close runs what is queued and ends.
func (w *sqliteWriter) close() error {
	w.mu.Lock()
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.done
	w.forgetStmts()
	return errors.Join(w.conn.Close(), w.pool.Close())
}

// put queues a member, or says why it cannot.
func (w *sqliteWriter) put(m *member) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.queue <- m:
		return nil
	default:
		return errBusy
	}
}

func (e *sqliteEngine) write(ctx context.Context, env tenant.ID, req writeRequest) error {
	m := &member{ctx: ctx, env: env, w: req, queued: e.db.clock.Now(), answered: make(chan struct{})}
	if err := e.writer.put(m); err != nil {
		return err
	}
	return m.wait()
}

// wait returns the member's outcome. While it is queued the caller may leave; once its closure runs the caller stays
// even past its deadline, since the closure writes into the caller's variables.
func (m *member) wait() error {
	limit := time.NewTimer(queueTime)
	defer limit.Stop()
	var gone error
	select {
	case <-m.answered:
		return m.err
	case <-m.ctx.Done():
		gone = m.ctx.Err()
	case <-limit.C:
		gone = errBusy
	}
	if m.state.CompareAndSwap(waiting, left) {
		return gone
	}
	<-m.answered
	return m.err
}

// admit takes a member out of the queue and says whether it may still run. A second time, after its group was undone,
// the first answer stands.
func (m *member) admit(now time.Time) error {
	switch {
	case m.state.Load() == taken:
	case !m.state.CompareAndSwap(waiting, taken):
		m.late = errBusy // its caller left and reads nothing
	case m.ctx.Err() != nil:
		m.late = m.ctx.Err()
	case now.Sub(m.queued) > queueTime:
		m.late = errBusy
	}
	return m.late
}

// checkpoint empties the write-ahead log between two groups. It waits for readers no longer than it must not keep
// writers waiting; what it misses is done the next time.
func (w *sqliteWriter) checkpoint() {
	m := &member{answered: make(chan struct{}), between: func() {
		for _, text := range []string{`pragma busy_timeout = 100`, `pragma wal_checkpoint(truncate)`, `pragma busy_timeout = 5000`} {
			if err := w.plain(text); err != nil {
				w.db.log.Warn("checkpoint", "error", err)
			}
		}
	}}
	if w.put(m) == nil {
		<-m.answered
	}
}

func (w *sqliteWriter) loop() {
	defer close(w.done)
	for m := range w.queue {
		if m.between != nil {
			m.between()
			close(m.answered)
			continue
		}
		w.group(m)
		if len(w.stmts) > keptStmts {
			w.forgetStmts()
		}
	}
}

// group runs and commits one group, beginning with m.
func (w *sqliteWriter) group(m *member) {
	start := w.db.clock.Now()
	if err := w.begin(); err != nil {
		m.err = err
		close(m.answered)
		return
	}
	var list []*member
	var between *member
	for m != nil {
		list = append(list, m)
		if fatal := w.member(m); fatal {
			w.abandon(list)
			return
		}
		m, between = w.next(len(list), start)
	}
	if err := w.plain(`commit`); err != nil {
		w.abandon(list)
	} else {
		w.answer(list)
	}
	if between != nil {
		between.between()
		close(between.answered)
	}
}

// begin opens the group's transaction. One that an earlier failure left open is undone first.
func (w *sqliteWriter) begin() error {
	err := w.plain(`begin immediate`)
	if err != nil && w.plain(`rollback`) == nil {
		err = w.plain(`begin immediate`)
	}
	if err != nil {
		return sqliteAnswer(fmt.Errorf("begin: %w", err))
	}
	return nil
}

// next takes a waiting member while the group has room and time.
func (w *sqliteWriter) next(n int, start time.Time) (m, between *member) {
	if n >= groupMembers || w.db.clock.Now().Sub(start) > groupTime {
		return nil, nil
	}
	select {
	case m, ok := <-w.queue:
		if !ok {
			return nil, nil
		}
		if m.between != nil {
			return nil, m
		}
		return m, nil
	default:
		return nil, nil
	}
}

func (w *sqliteWriter) answer(list []*member) {
	if w.db.watch.Group != nil {
		w.db.watch.Group(len(list))
	}
	for _, m := range list {
		w.committed(m)
	}
	for _, m := range list {
		close(m.answered)
	}
}

// committed tells what is kept in memory of a member's events, and only then makes them final: who has read of an event
// in the feed finds memory that has heard of it.
func (w *sqliteWriter) committed(m *member) {
	if m.err != nil {
		return
	}
	m.w.committed(m.events)
	w.db.feed.advance(m.events)
}

// abandon undoes a group after an error that is nobody's own (a full disk, I/O) and runs its members one by one.
func (w *sqliteWriter) abandon(list []*member) {
	_ = w.plain(`rollback`) // SQLite may have done it by itself
	w.db.catalogs.forgetAll()
	for _, m := range list {
		w.alone(m)
		close(m.answered)
	}
}

func (w *sqliteWriter) alone(m *member) {
	m.err, m.events = nil, nil
	if m.err = w.begin(); m.err != nil {
		return
	}
	if fatal := w.member(m); !fatal {
		err := w.plain(`commit`)
		if err == nil {
			if w.db.watch.Group != nil {
				w.db.watch.Group(1)
			}
			w.committed(m)
			return
		}
		m.err = err
	}
	m.err, m.events = sqliteAnswer(m.err), nil
	_ = w.plain(`rollback`)
	w.db.catalogs.forgetAll()
}

// member runs one closure in its savepoint and leaves the outcome in m. It reports an error after which the whole
// group must be undone.
func (w *sqliteWriter) member(m *member) (fatal bool) {
	if m.err = m.admit(w.db.clock.Now()); m.err != nil {
		return false
	}
	t := w.tx(m)
	defer t.end()
	m.err = w.savepoint(t, func() error {
		if err := t.readHead(context.Background()); err != nil {
			return err
		}
		if err := t.findAnswer(m.w.once); err != nil {
			return err
		}
		return t.verdict(m.w.fn(t))
	})
	if m.err == nil {
		m.events = t.events
		return false
	}
	if t.dead != nil && !ownFault(t.dead) {
		return true
	}
	if m.w.refuse != nil {
		return w.remember(m)
	}
	return false
}

func (w *sqliteWriter) tx(m *member) *Tx {
	return &Tx{db: w.db, session: w, env: m.env, actor: m.w.actor, final: w.db.Final()}
}

// findAnswer looks for the answer that is stored for the request's idempotency key.
func (t *Tx) findAnswer(o *tx.Once) error {
	if o == nil {
		return nil
	}
	t.answer = &storedAnswer{}
	return t.each(context.Background(), t.answer.scan, answerSQL, t.db.answerArgs(t.env, o)...)
}

// remember stores a refusal as the answer to its idempotency key, beside the neighbours' writes.
func (w *sqliteWriter) remember(m *member) (fatal bool) {
	t := w.tx(m)
	defer t.end()
	err := w.savepoint(t, func() error {
		m.w.refuse(t, m.err)
		return nil
	})
	if fatal = t.dead != nil && !ownFault(t.dead); fatal {
		m.err = err
	}
	return fatal
}

// ownFault reports whether an error of the database is undone to the savepoint of the member that caused it: constraints,
// and faults of the program that the database never saw (storage.md 2.2).
func ownFault(err error) bool {
	var scan *scanError
	return isConstraint(err) || errors.As(err, &scan) || errors.Is(err, errReadOnly) || errors.Is(err, errNested)
}

// savepoint runs fn and what it queued; an error or a panic undoes both.
func (w *sqliteWriter) savepoint(t *Tx, fn func() error) error {
	if err := w.plain(`savepoint member`); err != nil {
		return t.fail(err)
	}
	err := t.guarded(func() error {
		if err := fn(); err != nil {
			return err
		}
		list, err := t.commitList()
		if err != nil {
			return err
		}
		return t.fail(w.run(context.Background(), list))
	})
	if err != nil {
		if t.catalog {
			w.db.catalogs.forget(t.env)
		}
		t.broken(w.plain(`rollback to member`))
	}
	t.broken(w.plain(`release member`))
	return t.verdict(err)
}

// broken notes that a savepoint could not be ended. Where SQLite has rolled back by itself the first error says why.
func (t *Tx) broken(err error) {
	if err != nil && (t.dead == nil || ownFault(t.dead)) {
		t.dead = err
	}
}

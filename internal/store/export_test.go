package store

import (
	"context"
	"io/fs"
	"os"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/rules"
)

// What tests of the engine reach without a noun.

const (
	QueueMembers = queueMembers
	GroupMembers = groupMembers
	KeptStmts    = keptStmts
	PgAttempts   = pgAttempts
	MarkCount    = markCount
	QueueTime    = queueTime
	GroupTime    = groupTime
	OnceKept     = onceKept
)

// CustomerQueries are asked at changes of one customer and at checks, with their number of arguments.
var CustomerQueries = map[string]int{openSubscriptionsSQL: 2, entitlementHolderSQL: 3}

// HistoryQueries read what was used, the oldest first, by the table that they go through; with their arguments.
var HistoryQueries = map[string]struct {
	Text string
	Args []any
}{
	"m":            {measurementsSQL, []any{1, "c", "f", "", int64(0), int64(1)}},
	"usage_events": eventsInOrder(),
}

func eventsInOrder() (q struct {
	Text string
	Args []any
},
) {
	q.Text, q.Args = eventsOf(1, "c", "", rules.Span{Start: 0, End: 1})
	q.Text += inOrder
	return q
}

// Plan calls fn with every step in which SQLite would do a query.
func (t *Tx) Plan(ctx context.Context, fn func(step string), text string, args ...any) error {
	return t.each(ctx, func(r rows) error {
		var id, parent, unused int
		var step string
		err := r.Scan(&id, &parent, &unused, &step)
		fn(step)
		return err
	}, "explain query plan "+text, args...)
}

func (t *Tx) Exec(text string, args ...any) { t.exec(text, args...) }

func (t *Tx) Expect(n int64, otherwise error, text string, args ...any) {
	t.expect(n, otherwise, text, args...)
}

func (t *Tx) Flush(ctx context.Context) error { return t.flush(ctx) }

// One reads a single row; a missing one leaves dest as it is.
func (t *Tx) One(ctx context.Context, dest []any, text string, args ...any) error {
	return t.each(ctx, func(r rows) error { return r.Scan(dest...) }, text, args...)
}

// Each calls fn with the first column of every row.
func (t *Tx) Each(ctx context.Context, fn func(string) error, text string, args ...any) error {
	return t.each(ctx, func(r rows) error {
		var s string
		if err := r.Scan(&s); err != nil {
			return err
		}
		return fn(s)
	}, text, args...)
}

func (db *DB) IsSQLite() bool { return db.dialect().name() == "sqlite" }

func (db *DB) sqliteEngine() *sqliteEngine { return db.engine.(*sqliteEngine) }

// Queued is how many writes wait for the SQLite writer.
func (db *DB) Queued() int { return len(db.sqliteEngine().writer.queue) }

// Admit asks whether a queued write whose caller has this context may start.
func Admit(ctx context.Context, queued, now time.Time) error {
	return (&member{ctx: ctx, queued: queued}).admit(now)
}

// Refuses reports whether the SQLite writer takes no more writes.
func (db *DB) Refuses() bool {
	w := db.sqliteEngine().writer
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.closed
}

// Between runs fn on the writer's goroutine, between two groups.
func (db *DB) Between(fn func(plain func(string) error)) error {
	w := db.sqliteEngine().writer
	m := &member{answered: make(chan struct{}), between: func() { fn(w.plain) }}
	if err := w.put(m); err != nil {
		return err
	}
	<-m.answered
	return nil
}

// Stmts is how many prepared statements the SQLite writer keeps. Call it from Between.
func (db *DB) Stmts() int { return len(db.sqliteEngine().writer.stmts) }

// LimitReads changes how long a read of SQLite may last.
func (db *DB) LimitReads(d time.Duration) { db.sqliteEngine().readLimit = d }

// Checkpoint does what the background does once, with another size as the large one.
func (db *DB) Checkpoint(blockAt int64) {
	e := db.sqliteEngine()
	info, err := os.Stat(e.path + "-wal")
	if err != nil {
		return
	}
	e.checkpoint(info.Size(), blockAt)
}

// IdleConns is how many connections of the PostgreSQL pool exist, and how many of them are in use.
func (db *DB) IdleConns() (all, used int32) {
	s := db.engine.(*postgresEngine).pool.Stat()
	return s.TotalConns(), s.AcquiredConns()
}

// Mark is a position that waits for transactions.
type Mark = mark

var SettleMarks = settleMarks

// WriteEvents is Write for tests that want the events as the writer's caller sees them.
func (db *DB) WriteEvents(ctx context.Context, env tenant.ID, fn func(*Tx) error) (out []event.Event, err error) {
	err = db.write(ctx, env, writeRequest{fn: fn, committed: func(e []event.Event) { out = e; db.committed(e) }})
	return out, err
}

// WithIdlePoll is a configuration whose tailer looks by itself only so often.
func (c Config) WithIdlePoll(d time.Duration) Config {
	c.tailIdle = d
	return c
}

// Values as arguments and destinations.
var (
	Stamp  = stamp
	AsJSON = asJSON
)

func NullStamp(t *time.Time) any   { return nullStamp(t) }
func ScanTime(dst *time.Time) any  { return at{dst} }
func ScanNull(dst **time.Time) any { return nullTime{dst} }
func FromJSON(dst any) any         { return fromJSON{dst} }
func Migrations() fs.FS            { return migrations }

// AnalyzeGrown runs the statistics job once.
func (db *DB) AnalyzeGrown(ctx context.Context) error {
	return db.engine.(*postgresEngine).analyzeGrown(ctx)
}

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib" // goose wants a *sql.DB
	"github.com/jackc/puddle/v2"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// sideConns are the connections of the tailer, its listener, of statistics, and of questions about lost commits.
const sideConns = 4

// postgresEngine is a pool of connections; every write has one of its own (postgres_writer.go).
type postgresEngine struct {
	db   *DB
	pool *pgxpool.Pool
	side *pgxpool.Pool // must not wait for writers
	idle time.Duration
	wg   sync.WaitGroup
}

func openPostgres(ctx context.Context, cfg Config, db *DB) (engine, error) {
	pc, err := postgresConfig(cfg)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	// Over a connection that is used further: opening one is most of the work when there is nothing to migrate.
	if err := migratePostgres(ctx, stdlib.OpenDBFromPool(pool)); err != nil {
		pool.Close()
		return nil, fmt.Errorf("migrate: %w", err)
	}
	sc := pc.Copy()
	sc.MinConns, sc.MinIdleConns, sc.MaxConns = 0, 0, sideConns
	side, err := pgxpool.NewWithConfig(ctx, sc)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	return &postgresEngine{db: db, pool: pool, side: side, idle: cmp.Or(cfg.tailIdle, tailIdle)}, nil
}

func postgresConfig(cfg Config) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(cfg.DSN)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	pc.MaxConns = 16
	if cfg.MaxConns > 0 {
		pc.MaxConns = int32(cfg.MaxConns)
	}
	pc.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if pc.ConnConfig.RuntimeParams["application_name"] == "" {
		pc.ConnConfig.RuntimeParams["application_name"] = "purser"
	}
	return pc, nil
}

func (e *postgresEngine) dialect() dialect { return postgresDialect{} }

func (e *postgresEngine) close() error {
	e.pool.Close()
	e.side.Close()
	e.wg.Wait()
	return nil
}

// read runs fn in one snapshot. BEGIN and the environment's row travel together.
func (e *postgresEngine) read(ctx context.Context, env tenant.ID, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := e.readOnce(ctx, env, fn)
		var lost *unopened
		if !errors.As(err, &lost) || attempt == pgAttempts || ctx.Err() != nil {
			return pgAnswer(ctx, err)
		}
	}
}

func (e *postgresEngine) readOnce(ctx context.Context, env tenant.ID, fn func(*Tx) error) error {
	t := &Tx{db: e.db, env: env, final: e.db.Final()}
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer rollback(conn)
	defer t.end()
	t.session = pgRead{conn.Conn()}
	if err := t.open(ctx, conn.Conn(), `begin isolation level repeatable read read only`, nil); err != nil {
		return err
	}
	return t.verdict(fn(t))
}

// unopened is a connection that broke before the transaction's function was called: another one may be tried.
type unopened struct{ err error }

func (u *unopened) Error() string { return "open the transaction: " + u.err.Error() }
func (u *unopened) Unwrap() error { return u.err }

// open sends BEGIN, what travels with it and the environment's row in one round trip. The row is read after the locks:
// a clock that moved or a catalog that changed while they were waited for counts.
func (t *Tx) open(ctx context.Context, conn *pgx.Conn, begin string, first []pgFirst) error {
	b := &pgx.Batch{}
	b.Queue(begin)
	for _, f := range first {
		b.Queue(f.sql, f.args...)
	}
	if t.env != 0 {
		b.Queue(t.headSQL(), t.env)
	}
	br := conn.SendBatch(ctx, b)
	err := t.readOpening(br, first)
	if cerr := br.Close(); err == nil {
		err = cerr
	}
	if err != nil && conn.IsClosed() && ctx.Err() == nil {
		return &unopened{err}
	}
	return err
}

// A write's head brings the transaction's id along (storage.md 3.3).
const headWriteSQL = headSelect + `, pg_current_xact_id()::text` + headFrom

func (t *Tx) writes() bool {
	_, ok := t.session.(*pgWrite)
	return ok
}

func (t *Tx) headSQL() string {
	if t.writes() {
		return headWriteSQL
	}
	return headSQL
}

func (t *Tx) headDest() []any {
	if t.writes() {
		return append(t.head.dest(), &t.head.xid)
	}
	return t.head.dest()
}

func (t *Tx) readOpening(br pgx.BatchResults, first []pgFirst) error {
	if _, err := br.Exec(); err != nil {
		return err
	}
	for _, f := range first {
		r, err := br.Query()
		if err != nil {
			return translate(err)
		}
		if err := scanAll(pgRows{r}, f.scan(t)); err != nil {
			return err
		}
	}
	if t.env != 0 {
		err := br.QueryRow().Scan(t.headDest()...)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoEnvironment
		} else if err != nil {
			return err
		}
	}
	t.settleNow()
	return nil
}

// pgFirst is a query that travels with BEGIN.
type pgFirst struct {
	sql  string
	args []any
	scan func(*Tx) func(rows) error
}

// lockers make the locking select of each kind; registered beside the query of the noun.
var lockers = map[tx.LockKind]func(env tenant.ID, ref string) pgFirst{}

func firstLocks(env tenant.ID, locks []tx.Lock) []pgFirst {
	list := make([]pgFirst, 0, len(locks))
	for _, l := range locks {
		if f, ok := lockers[l.Kind]; ok {
			list = append(list, f(env, l.Ref))
		}
	}
	return list
}

// rollback ends a transaction before its connection goes back to the pool (storage.md 3.3). A connection that does not
// answer is closed.
func rollback(conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() || conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, `rollback`); err != nil {
		_ = conn.Conn().Close(ctx)
	}
}

// pgAnswer gives a server that cannot be used its own answer: nothing was written, and it can be tried again. A caller
// whose own time is over is told that.
func pgAnswer(ctx context.Context, err error) error {
	if _, ours := errs.As(err); err == nil || ours || !pgTrouble(err) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return errs.ServiceUnavailable.Because("The database cannot be used now.").After(time.Second).Wrap(err)
}

// pgTrouble reports whether an error is about the server or the way to it, not about what was asked.
func pgTrouble(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "53", "57", "58": // connection, resources, operator intervention, system
			return true
		}
		return again(err) || pg.Code == "25006" // a standby
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, puddle.ErrClosedPool) ||
		errors.Is(err, pgconn.ErrConnClosed) || pgconn.SafeToRetry(err)
}

// pgRead is a session that refuses to write.
type pgRead struct{ conn *pgx.Conn }

func (s pgRead) query(ctx context.Context, text string, args []any) (rows, error) {
	r, err := s.conn.Query(ctx, text, args...)
	return pgRows{r}, err
}

func (pgRead) run(context.Context, []statement) error { return errReadOnly }

// pgRows gives pgx.Rows the shape of sql.Rows.
type pgRows struct{ pgx.Rows }

func (r pgRows) Close() error {
	r.Rows.Close()
	return nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
)

// SQLite's result codes that are told apart.
const (
	sqliteConstraintCode = 19
	sqliteForeignKey     = 787
)

// sqliteTrouble are the primary codes of a database that cannot be used now, through nobody's fault: busy, locked, out
// of memory, read-only, I/O error, disk full, cannot open, locking protocol.
var sqliteTrouble = map[int]bool{5: true, 6: true, 7: true, 8: true, 10: true, 13: true, 14: true, 15: true}

const (
	// readLimit is how long a read transaction may last: a longer one would keep the log from shrinking.
	readLimit = 5 * time.Second
	// checkpointEvery and the sizes below rule the write-ahead log: small ones are left alone, large ones are copied
	// beside the writer, and one that still grows is reset between two groups.
	checkpointEvery   = time.Second
	checkpointAt      = 4 << 20
	checkpointBlockAt = 128 << 20
)

// sqliteEngine has one writer (sqlite_writer.go) and a pool of readers.
type sqliteEngine struct {
	db        *DB
	path      string
	readers   *sql.DB
	check     *sql.DB
	writer    *sqliteWriter
	readLimit time.Duration
	stop      chan struct{}
	wg        sync.WaitGroup
}

func sqliteDSN(path string, pragmas ...string) string {
	q := url.Values{}
	for _, p := range append([]string{"busy_timeout(5000)", "foreign_keys(1)", "synchronous(FULL)"}, pragmas...) {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// sqlitePool opens the connections of one purpose.
func sqlitePool(path string, conns int, pragmas ...string) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", sqliteDSN(path, pragmas...))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, nil
}

func closePools(pools ...*sql.DB) (err error) {
	for _, p := range pools {
		if p != nil {
			err = errors.Join(err, p.Close())
		}
	}
	return err
}

// sqliteFile makes the file for its owner alone before SQLite sees it: the log and its index take over its permissions.
func sqliteFile(path string) error {
	if path == "" {
		return errors.New("no path")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func openSQLite(ctx context.Context, cfg Config, db *DB) (_ engine, err error) {
	if err := sqliteFile(cfg.Path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = 4
	}
	e := &sqliteEngine{db: db, path: cfg.Path, readLimit: readLimit, stop: make(chan struct{})}
	// What a savepoint needs to be undone stays in memory; a temporary file would be written for every member of a group.
	write, err := sqlitePool(cfg.Path, 1, "journal_mode(WAL)", "wal_autocheckpoint(0)", "cache_size(-65536)", "temp_store(memory)")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closePools(write, e.readers, e.check))
		}
	}()
	if err := migrateSQLite(ctx, write); err != nil {
		return nil, fmt.Errorf("migrate %s: %w", cfg.Path, err)
	}
	if e.readers, err = sqlitePool(cfg.Path, cfg.MaxConns, "query_only(1)", "cache_size(-16384)"); err != nil {
		return nil, err
	}
	if e.check, err = sqlitePool(cfg.Path, 1); err != nil {
		return nil, err
	}
	if e.writer, err = newSQLiteWriter(ctx, write, db); err != nil {
		return nil, err
	}
	e.wg.Add(1)
	go e.checkpoints()
	return e, nil
}

func (e *sqliteEngine) dialect() dialect { return sqliteDialect{} }

func (e *sqliteEngine) close() error {
	close(e.stop)
	e.wg.Wait()
	err := e.writer.close()
	// A last checkpoint leaves one file; a failure leaves a log that the next start reads.
	_, _ = e.check.ExecContext(context.Background(), `pragma wal_checkpoint(truncate)`)
	return errors.Join(err, closePools(e.check, e.readers))
}

// final: what is committed is final, and at the start everything is.
func (e *sqliteEngine) final(ctx context.Context) error {
	return e.read(ctx, 0, func(t *Tx) error {
		head, err := t.feedHead(ctx)
		if err == nil {
			e.db.feed.advanceTo(head)
		}
		return err
	})
}

// tail has nothing to do: the one writer makes the order and calls advance.
func (e *sqliteEngine) tail(ctx context.Context) { <-ctx.Done() }

// read runs fn in a deferred transaction of the read-only pool: its snapshot is taken by the first query.
func (e *sqliteEngine) read(ctx context.Context, env tenant.ID, fn func(*Tx) error) error {
	select {
	case <-e.stop:
		return errClosed
	default:
	}
	limited, cancel := context.WithTimeout(ctx, e.readLimit)
	defer cancel()
	err := e.readLimited(limited, env, fn)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		if _, ours := errs.As(err); !ours {
			return errs.ServiceUnavailable.Because("Reading took too long.").After(time.Second).Wrap(err)
		}
	}
	return sqliteAnswer(err)
}

func (e *sqliteEngine) readLimited(ctx context.Context, env tenant.ID, fn func(*Tx) error) error {
	t := &Tx{db: e.db, env: env, final: e.db.Final()}
	conn, err := e.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() {
		t.end()
		_ = conn.Rollback()
	}()
	t.session = sqliteRead{ctx, conn}
	if err := t.readHead(ctx); err != nil {
		return err
	}
	return t.verdict(fn(t))
}

// readHead reads the environment's row. Environment 0 is none: bootstrap and jobs across environments.
func (t *Tx) readHead(ctx context.Context) error {
	if t.env != 0 {
		if err := t.one(ctx, errNoEnvironment, t.head.dest(), headSQL, t.env); err != nil {
			return err
		}
	}
	t.settleNow()
	return nil
}

// sqliteAnswer gives a database that cannot be used now its own answer.
func sqliteAnswer(err error) error {
	var lite *sqlite.Error
	if errors.As(err, &lite) && sqliteTrouble[lite.Code()&0xff] || errors.Is(err, sql.ErrConnDone) {
		return errs.ServiceUnavailable.Because("The database cannot be used now.").After(time.Second).Wrap(err)
	}
	return err
}

// checkpoints copies the write-ahead log into the database from a connection of its own.
func (e *sqliteEngine) checkpoints() {
	defer e.wg.Done()
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
			if info, err := os.Stat(e.path + "-wal"); err == nil && info.Size() >= checkpointAt {
				e.checkpoint(info.Size(), checkpointBlockAt)
			}
		}
	}
}

// checkpoint copies what it can beside the writer. A busy writer never lets the log start again from its beginning:
// one that grew large is emptied between two groups, when little is left to copy.
func (e *sqliteEngine) checkpoint(size, blockAt int64) {
	if _, err := e.check.ExecContext(context.Background(), `pragma wal_checkpoint(passive)`); err != nil {
		e.db.log.Warn("checkpoint", "error", err)
	}
	if size > blockAt {
		e.writer.checkpoint()
	}
}

// sqliteRead is a session of the read-only pool. Its own context limits every query.
type sqliteRead struct {
	ctx context.Context
	tx  *sql.Tx
}

func (s sqliteRead) query(_ context.Context, text string, args []any) (rows, error) {
	return s.tx.QueryContext(s.ctx, text, args...) //nolint:rowserrcheck // scanAll checks
}

func (sqliteRead) run(context.Context, []statement) error { return errReadOnly }

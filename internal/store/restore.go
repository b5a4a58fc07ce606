package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/core/event"
)

// Replaced is what Restore adds to the name of a database that it puts aside.
const Replaced = ".replaced"

// Restore makes the database at cfg.Path from a backup, brings its tables up to date and begins a new generation of its
// feed, which it returns. The caller holds the lock of the data directory; nothing may have the database open. A
// database that is there is refused, or with force put aside (Replaced). Before that the backup is copied and checked:
// a file that is no whole Purser database changes nothing. For PostgreSQL the error says what to do.
func Restore(ctx context.Context, cfg Config, file string, force bool) (generation string, err error) {
	if cfg.DSN != "" {
		return "", errors.New("a PostgreSQL database is restored by pg_restore, into an empty database and with no server running: " +
			`pg_restore --no-owner --exit-on-error --dbname="$PURSER_DATABASE" FILE; ` +
			"then begin a new generation of the feed with purser restore --after-pg-restore")
	}
	if err := mayRestore(cfg.Path, file, force); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	temp := cfg.Path + ".restoring"
	defer func() { err = errors.Join(err, removeSQLite(temp)) }()
	if err := errors.Join(removeSQLite(temp), copyFile(file, temp)); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	if err := checkBackup(ctx, temp); err != nil {
		return "", fmt.Errorf("restore %s: %w", file, err)
	}
	if generation, err = NewGeneration(ctx, Config{Path: temp, Clock: cfg.Clock, Log: cfg.Log}); err != nil {
		return "", fmt.Errorf("restore %s: %w", file, err)
	}
	if err := install(temp, cfg.Path); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	return generation, nil
}

// NewGeneration brings a database up to date and begins a new generation of its feed: readers of the one before get
// errs.FeedResync. It belongs after pg_restore. While others of this program are connected it is refused, since they
// would go on with the old one.
func NewGeneration(ctx context.Context, cfg Config) (generation string, err error) {
	if cfg.DSN != "" {
		if err := aloneOnPostgres(ctx, cfg); err != nil {
			return "", err
		}
	}
	db, err := Open(ctx, cfg)
	if err != nil {
		return "", err
	}
	generation = id.Generated("g")[2:]
	err = db.write(ctx, 0, writeRequest{
		fn:        func(t *Tx) error { t.setMeta("feed_generation", generation); return nil },
		committed: func([]event.Event) {},
	})
	return generation, errors.Join(err, db.Close())
}

func aloneOnPostgres(ctx context.Context, cfg Config) error {
	pc, err := postgresConfig(cfg)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, pc.ConnConfig)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	// The connections of a server that has just ended are gone from PostgreSQL a moment later.
	for waited := time.Duration(0); ; waited += aloneEvery {
		var n int
		err := conn.QueryRow(ctx, `
			select count(*) from pg_stat_activity
			where datname = current_database() and application_name = $1 and pid <> pg_backend_pid()`,
			pc.ConnConfig.RuntimeParams["application_name"]).Scan(&n)
		if err != nil || n == 0 {
			return err
		}
		if waited >= aloneTime || !pause(ctx, aloneEvery) {
			return errors.New("a server is connected to this database: stop all of them first")
		}
	}
}

// aloneTime is how long the last connections of a server are waited for.
const (
	aloneTime  = 3 * time.Second
	aloneEvery = 50 * time.Millisecond
)

// sqliteParts are the files that SQLite keeps beside a database.
var sqliteParts = []string{"-wal", "-shm", "-journal"}

func mayRestore(path, file string, force bool) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	// What is in the log only would be lost.
	if info, err := os.Stat(file + "-wal"); err == nil && info.Size() > 0 {
		return fmt.Errorf("%s is a database in use, or was: it has a log beside it. Make a copy with purser backup", file)
	}
	for _, part := range append([]string{""}, sqliteParts...) {
		info, err := os.Stat(path + part)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case !force:
			return fmt.Errorf("%s exists already; restoring needs another data directory, or force", path+part)
		}
		if source, err := os.Stat(file); err != nil || os.SameFile(info, source) {
			return errors.Join(fmt.Errorf("%s is the database itself", file), err)
		}
	}
	return nil
}

func removeSQLite(path string) (err error) {
	for _, part := range append([]string{""}, sqliteParts...) {
		err = errors.Join(err, forget(path+part))
	}
	return err
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// checkBackup refuses a file that is damaged, foreign, or from a later version.
func checkBackup(ctx context.Context, path string) error {
	pool, err := sqlitePool(path, 1, "query_only(1)")
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	var known int
	err = pool.QueryRowContext(ctx, `
		select count(*) from sqlite_master where type = 'table' and name in ('goose_db_version', 'meta', 'environments', 'events')`).Scan(&known)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("this is no SQLite database: %w", err)
	case known != 4:
		return errors.New("this is no Purser database")
	}
	if err := checkMigrations(ctx, pool); err != nil {
		return err
	}
	for _, pragma := range []string{"integrity_check", "foreign_key_check"} {
		if err := checkPragma(ctx, pool, pragma); err != nil {
			return err
		}
	}
	return nil
}

func checkMigrations(ctx context.Context, pool *sql.DB) error {
	var applied, generations int64
	err := pool.QueryRowContext(ctx, `
		select (select coalesce(max(version_id), 0) from goose_db_version where is_applied),
			(select count(*) from meta where key = 'feed_generation')`).Scan(&applied, &generations)
	switch latest := latestMigration(); {
	case err != nil:
		return err
	case applied < 1 || generations != 1:
		return errors.New("this is no Purser database that was ever in use")
	case applied > latest:
		return fmt.Errorf("a later version of Purser made this: it has migration %d, this version knows %d", applied, latest)
	}
	return nil
}

func latestMigration() (latest int64) {
	files, _ := fs.Glob(migrations, "migrations/sqlite/*.sql")
	for _, f := range files {
		number, _, _ := strings.Cut(filepath.Base(f), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			latest = max(latest, n)
		}
	}
	return latest
}

// checkPragma runs a check that answers with "ok" or nothing when all is well.
func checkPragma(ctx context.Context, pool *sql.DB, name string) error {
	rows, err := pool.QueryContext(ctx, `pragma `+name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var problem sql.NullString
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		dest := []any{&problem}
		for range columns[1:] {
			dest = append(dest, new(any))
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if problem.String != "ok" {
			return fmt.Errorf("the file is damaged: %s: %s", name, problem.String)
		}
	}
	return rows.Err()
}

// install puts a finished database in place. One that is there is put aside first, with what belongs to it: a log left
// behind would be taken for the new database's.
func install(temp, path string) error {
	if info, err := os.Stat(temp + "-wal"); err == nil && info.Size() > 0 {
		return errors.New("the restored database could not be finished: its log is not empty")
	}
	if err := errors.Join(syncFile(temp), removeSQLite(path+Replaced)); err != nil {
		return err
	}
	for _, part := range append([]string{""}, sqliteParts...) {
		if err := os.Rename(path+part, path+Replaced+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// Both folders hold the same numbers for the same purposes and end in the same tables and columns.
//
//go:embed migrations
var migrations embed.FS

func migrateSQLite(ctx context.Context, pool *sql.DB) error {
	return migrate(ctx, goose.DialectSQLite3, pool, "migrations/sqlite")
}

// migratePostgres runs under a session lock: several nodes may start at once. It closes pool.
func migratePostgres(ctx context.Context, pool *sql.DB) error {
	defer func() { _ = pool.Close() }()
	return migrate(ctx, goose.DialectPostgres, pool, "migrations/postgres", goose.WithSessionLocker(sessionLock{}))
}

// sessionLock waits in the database; goose's own asks every few seconds.
type sessionLock struct{}

// migrationLock is the key of an advisory lock: "purser" in ASCII.
const migrationLock = 0x707572736572

// SessionLock implements lock.SessionLocker.
func (sessionLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `select pg_advisory_lock($1)`, int64(migrationLock))
	return err
}

// SessionUnlock implements lock.SessionLocker.
func (sessionLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `select pg_advisory_unlock($1)`, int64(migrationLock))
	return err
}

func migrate(ctx context.Context, d goose.Dialect, pool *sql.DB, folder string, opts ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d, pool, files, append(opts, goose.WithLogger(goose.NopLogger()))...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Migrate brings a database up to date without opening it for use.
func Migrate(ctx context.Context, cfg Config) error {
	if cfg.DSN != "" {
		pc, err := postgresConfig(cfg)
		if err != nil {
			return err
		}
		return migratePostgres(ctx, stdlib.OpenDB(*pc.ConnConfig))
	}
	if err := sqliteFile(cfg.Path); err != nil {
		return err
	}
	pool, err := sqlitePool(cfg.Path, 1, "journal_mode(WAL)")
	if err != nil {
		return err
	}
	return errors.Join(migrateSQLite(ctx, pool), pool.Close())
}

// MigrationsHash changes whenever a migration does: it names template databases.
func MigrationsHash() string {
	h := sha256.New()
	_ = fs.WalkDir(migrations, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := migrations.ReadFile(path)
		h.Write(b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:6])
}

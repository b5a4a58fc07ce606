// Package storetest gives any test a migrated, empty database on each engine.
//
// Each runs a test once per engine: SQLite in a temporary folder, PostgreSQL in a
// database cloned from a migrated template on a throw-away server (pgserver). An
// engine that cannot be started fails the test; none is skipped silently.
// PURSER_TEST_ENGINES=sqlite (or postgres) narrows the choice, as make test-sqlite does.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest/pgserver"
)

// The engines.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Engines lists the engines that tests run on.
func Engines() []string {
	if v := os.Getenv("PURSER_TEST_ENGINES"); v != "" {
		return strings.Split(v, ",")
	}
	return []string{SQLite, Postgres}
}

// Main runs a package's tests and stops the PostgreSQL server that they may have started. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if err := pgserver.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Each runs fn on every engine, as a parallel subtest named after it.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachConfig(t, func(t *testing.T, cfg store.Config) { fn(t, Open(t, cfg)) })
}

// EachConfig is Each for tests that open the database themselves, or change its configuration first.
func EachConfig(t *testing.T, fn func(t *testing.T, cfg store.Config)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			fn(t, New(t, engine))
		})
	}
}

// New makes a migrated, empty database for one test and says how to open it.
func New(t testing.TB, engine string) store.Config {
	t.Helper()
	switch engine {
	case SQLite:
		path := filepath.Join(t.TempDir(), "purser.db")
		file, err := migratedFile()
		if err == nil {
			err = os.WriteFile(path, file, 0o600)
		}
		if err != nil {
			t.Fatalf("SQLite database: %v", err)
		}
		return store.Config{Path: path}
	case Postgres:
		return store.Config{DSN: newPostgres(t), MaxConns: 8}
	}
	t.Fatalf("unknown engine %q in PURSER_TEST_ENGINES", engine)
	return store.Config{}
}

// Open opens a database and closes it when the test ends.
func Open(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatalf("open database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

// migratedFile is an SQLite database without rows: copying it is cheaper than migrating another one.
var migratedFile = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "purser-template-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "purser.db")
	if err := store.Migrate(context.Background(), store.Config{Path: path}); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // it is whole: closing the last connection emptied the log into it
})

var (
	databases atomic.Int64
	templates sync.Map // of *pgserver.Server: those that have the template
)

func newPostgres(t testing.TB) string {
	t.Helper()
	ctx := context.Background()
	server, err := pgserver.Shared()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	template := "purser_template_" + store.MigrationsHash()
	if _, ok := templates.Load(server); !ok {
		err = server.EnsureTemplate(ctx, template, func(ctx context.Context, dsn string) error {
			return store.Migrate(ctx, store.Config{DSN: dsn})
		})
		if err != nil {
			t.Fatalf("PostgreSQL template: %v", err)
		}
		templates.Store(server, true)
	}
	sum := sha256.Sum256([]byte(t.Name()))
	name := fmt.Sprintf("t%d_%d_%s", os.Getpid(), databases.Add(1), hex.EncodeToString(sum[:4]))
	if err := server.CreateDatabase(ctx, name, template); err != nil {
		t.Fatalf("PostgreSQL database: %v", err)
	}
	t.Cleanup(func() {
		if err := server.DropDatabase(context.Background(), name); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return server.DSN(name)
}

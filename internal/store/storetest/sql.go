package storetest

import (
	"database/sql"
	"errors"
	"net/url"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that SQL uses for PostgreSQL; store registers the other

	"github.com/purserhq/purser/internal/store"
)

// SQL opens the tables of a database beside the store, for tests that look at rows themselves. It reads only, and is
// closed when the test ends. Both engines take $1 for an argument.
func SQL(t testing.TB, cfg store.Config) *sql.DB {
	t.Helper()
	driver, source := "pgx", cfg.DSN
	if source == "" {
		driver = SQLite
		source = "file:" + (&url.URL{Path: cfg.Path}).EscapedPath() + "?_pragma=query_only(1)&_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatalf("open the tables: %v", err)
	}
	db.SetMaxOpenConns(2)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Rows runs a query and returns its rows. Every column must be a text, and not null.
func Rows(t testing.TB, db *sql.DB, query string, args ...any) (list [][]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%v in %s", err, query)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		row, dest := make([]string, len(columns)), make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		err = rows.Scan(dest...)
		list = append(list, row)
	}
	if err := errors.Join(err, rows.Err()); err != nil {
		t.Fatalf("%v in %s", err, query)
	}
	return list
}

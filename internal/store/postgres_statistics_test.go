package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// A table that was filled since PostgreSQL last looked at it gets statistics, and only such a one.
func TestGrownTablesGetStatistics(t *testing.T) {
	t.Parallel()
	if !slices.Contains(storetest.Engines(), storetest.Postgres) {
		return // only PostgreSQL has them
	}
	cfg := storetest.New(t, storetest.Postgres)
	db := storetest.Open(t, cfg)
	sql := storetest.SQL(t, cfg)
	known := func() string {
		return storetest.Rows(t, sql, `select relpages::text from pg_class where relname = 'meta'`)[0][0]
	}
	ctx := t.Context()
	if err := db.AnalyzeGrown(ctx); err != nil {
		t.Fatal(err)
	}
	if got := known(); got != "0" {
		t.Fatalf("a small table was analyzed: %s pages", got)
	}
	err := db.Write(ctx, 0, func(st *store.Tx, _ time.Time) error {
		st.Exec(`insert into meta (key, value) select 'k' || n, repeat('x', 200) from generate_series(1, 2000) n`)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.AnalyzeGrown(ctx); err != nil {
		t.Fatal(err)
	}
	if got := known(); got == "0" {
		t.Error("a table that has grown was not analyzed")
	}
}

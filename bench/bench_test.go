package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/purserhq/purser/bench/client"
	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// TestRawWritesTheSameRows keeps the comparison honest: as many rows in every table, filled alike.
func TestRawWritesTheSameRows(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			ours, raw := seeded(t, engine), seeded(t, engine)
			before := [2]map[string]content{contents(t, ours), contents(t, raw)}
			provisionOurs(t, ours)
			provisionRaw(t, raw)
			written := false
			for table, want := range grown(before[0], contents(t, ours)) {
				got := grown(before[1], contents(t, raw))[table]
				if table == "meta" { // the server's own, at its first start
					continue
				}
				if d := cmp.Diff(want.Filled, got.Filled); d != "" {
					t.Errorf("%s: values by column (-Purser +raw):\n%s", table, d)
				}
				if off := math.Abs(float64(got.Bytes - want.Bytes)); off > 0.05*float64(want.Bytes) {
					t.Errorf("%s: raw writes %d bytes, Purser %d", table, got.Bytes, want.Bytes)
				}
				written = written || want.Bytes > 0
			}
			if !written {
				t.Error("nothing was written")
			}
		})
	}
}

func seeded(t *testing.T, engine string) place {
	t.Helper()
	cfg := storetest.New(t, engine)
	p := place{Engine: engine, DSN: cfg.DSN}
	if cfg.DSN == "" {
		p.Data = filepath.Dir(cfg.Path)
	}
	if err := seed(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func provisionOurs(t *testing.T, p place) {
	t.Helper()
	a, err := app.New(t.Context(), app.Config{
		Place: app.Place{Data: p.Data, Database: p.DSN}, Logging: app.Logging{LogLevel: "error"}, Listen: "127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a.Handler())
	c, err := client.Dial(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, plan := range plans {
		if err := c.Do(provisionRequest(&child{URL: s.URL}, plan.id)(1), "201"); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close()
	s.Close()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

func provisionRaw(t *testing.T, p place) {
	t.Helper()
	type raw interface {
		provision(ctx context.Context, plan rawPlan, ref string) error
		close() error
	}
	var r raw
	var known map[string]rawPlan
	if p.DSN == "" {
		lite, err := openRawSQLite(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		r, known = lite, lite.plans
	} else {
		pg, err := openRawPostgres(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		r, known = pg, pg.plans
	}
	for _, plan := range plans {
		if err := r.provision(t.Context(), known[plan.id], customerRef(plan.id, 1)); err != nil {
			t.Error(err)
		}
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
}

// content is what a table holds: how many values in each column, and how many bytes of text they make together.
type content struct {
	Filled map[string]int
	Bytes  int
}

func contents(t *testing.T, p place) map[string]content {
	t.Helper()
	driver, dsn, tables := "sqlite", "file:"+p.file(), `select name from sqlite_master where type = 'table'`
	if p.DSN != "" {
		driver, dsn, tables = "pgx", p.DSN, `select table_name from information_schema.tables where table_schema = 'public'`
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	out := map[string]content{}
	for _, table := range texts(t, db, tables) {
		if table != "sqlite_sequence" && table != "goose_db_version" {
			out[table] = measure(t, db, table)
		}
	}
	return out
}

func measure(t *testing.T, db *sql.DB, table string) content {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `select * from `+table+` limit 0`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err := errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	c := content{Filled: map[string]int{}}
	for _, name := range names {
		var n, size int
		q := fmt.Sprintf(`select count("%s"), coalesce(sum(length(cast("%[1]s" as text))), 0) from %s`, name, table)
		if err := db.QueryRowContext(t.Context(), q).Scan(&n, &size); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		c.Filled[name] = n
		c.Bytes += size
	}
	return c
}

// grown is what came in between.
func grown(before, after map[string]content) map[string]content {
	out := map[string]content{}
	for table, c := range after {
		d := content{Filled: map[string]int{}, Bytes: c.Bytes - before[table].Bytes}
		for name, n := range c.Filled {
			d.Filled[name] = n - before[table].Filled[name]
		}
		out[table] = d
	}
	return out
}

func texts(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// Heavy customers have what the table says of them.
func TestHeavyCustomers(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := seeded(t, engine)
			before := contents(t, p)
			one, other := heavyGroup, lightGroup
			one.size, other.size = 1, 2
			if err := seedChanges(t.Context(), p, one, other); err != nil {
				t.Fatal(err)
			}
			got := grown(before, contents(t, p))
			for table, want := range map[string]int{
				"customers": 3, "subscriptions": 3 + heavyPast, "subscription_addons": heavyAddons + 2*heavyPast,
			} {
				if n := got[table].Filled["environment"]; n != want {
					t.Errorf("%s: %d rows, want %d", table, n, want)
				}
			}
			if n := got["events"].Filled["environment"]; n < heavyEvents {
				t.Errorf("%d events, want %d at least", n, heavyEvents)
			}
		})
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "performance.md")
	text := "# Performance\n\n" + regionBegin + "\nold\n" + regionEnd + "\n\nend\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	pairs := [][2]sample{
		{{Ops: 60, Seconds: 1}, {Ops: 100, Seconds: 1}},
		{{Ops: 90, Seconds: 1}, {Ops: 100, Seconds: 1}},
		{{Ops: 80, Seconds: 1}, {Ops: 100, Seconds: 1}},
	}
	r := &report{options: options{rounds: 3, round: time.Second}, rows: []row{
		compare(row{what: "provision", engine: sqlite, clients: 16, unit: "/s", least: .7}, pairs, sample.rate),
		{what: "slow", engine: sqlite, clients: 64, least: 6, skipped: "no tool"},
	}}
	if err := r.rewrite(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Performance\n\n" + regionBegin + "\n",
		"| provision | sqlite | 16 | 80/s | 100/s | 0.80 | ≥ 0.70 | ok | 0 / 0 |\n",
		"| slow | sqlite | 64 |  |  |  | ≥ 6.00 | not measured: no tool |  |\n" + regionEnd + "\n\nend\n",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%q is missing in\n%s", want, b)
		}
	}
	if strings.Contains(string(b), "old") {
		t.Error("the old table is still there")
	}
}

package store_test

import (
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
	"github.com/purserhq/purser/internal/store/storetest/pgserver"
)

func TestMigrationsAreNumberedAlike(t *testing.T) {
	t.Parallel()
	names := func(folder string) (list []string) {
		entries, err := fs.ReadDir(store.Migrations(), path.Join("migrations", folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}
	if diff := cmp.Diff(names("sqlite"), names("postgres")); diff != "" {
		t.Errorf("files (-sqlite +postgres):\n%s", diff)
	}
}

// sqliteType is how SQLite keeps a type of PostgreSQL.
var sqliteType = map[string]string{
	"text": "text", "timestamp with time zone": "text", "jsonb": "text", "numeric": "text",
	"bigint": "integer", "integer": "integer", "boolean": "integer", "double precision": "real",
}

const (
	postgresColumns = `
		select table_name || '.' || column_name || ' ' || data_type || case is_nullable when 'YES' then ' null' else '' end
		from information_schema.columns where table_schema = 'public' and table_name not like 'goose%'`
	sqliteColumns = `
		select t.name || '.' || c.name || ' ' || lower(c.type) || case when c."notnull" = 0 and c.pk = 0 then ' null' else '' end
		from sqlite_schema t, pragma_table_xinfo(t.name) c
		where t.type = 'table' and t.name not like 'goose%' and t.name not like 'sqlite%'`
	postgresIndexes = `select indexname from pg_indexes where schemaname = 'public' and indexname like '%\_%' and tablename not like 'goose%'
		and indexname not in (select conname from pg_constraint)`
	sqliteIndexes = `select name from sqlite_schema where type = 'index' and name not like 'sqlite%'`
)

func TestEnginesHaveTheSameTables(t *testing.T) {
	t.Parallel()
	columns, indexes := map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		on(t, engine, func(t *testing.T, cfg store.Config) {
			db := storetest.Open(t, cfg)
			list := func(text string) map[string]bool {
				set := map[string]bool{}
				err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
					return st.Each(t.Context(), func(s string) error { set[s] = true; return nil }, text)
				})
				if err != nil {
					t.Fatal(err)
				}
				return set
			}
			if db.IsSQLite() {
				columns[engine], indexes[engine] = list(sqliteColumns), list(sqliteIndexes)
				return
			}
			indexes[engine] = list(postgresIndexes)
			columns[engine] = map[string]bool{}
			for s := range list(postgresColumns) {
				name, kind, _ := strings.Cut(s, " ")
				kind, null := strings.CutSuffix(kind, " null")
				s = name + " " + sqliteType[kind]
				if null {
					s += " null"
				}
				columns[engine][s] = true
			}
		})
	}
	if len(columns) < 2 {
		return // one engine alone was asked for
	}
	if diff := cmp.Diff(columns[storetest.SQLite], columns[storetest.Postgres]); diff != "" || len(columns[storetest.SQLite]) < 100 {
		t.Errorf("%d columns (-sqlite +postgres):\n%s", len(columns[storetest.SQLite]), diff)
	}
	if diff := cmp.Diff(indexes[storetest.SQLite], indexes[storetest.Postgres]); diff != "" || len(indexes[storetest.SQLite]) < 10 {
		t.Errorf("%d indexes (-sqlite +postgres):\n%s", len(indexes[storetest.SQLite]), diff)
	}
}

func TestSQLiteTablesAreStrict(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
			return st.Each(t.Context(), func(s string) error { t.Errorf("%s is not strict", s); return nil },
				`select name from pragma_table_list where type = 'table' and not strict and name not like 'sqlite%' and name not like 'goose%'`)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		write(t, storetest.Open(t, cfg), put("a", "1"))
		if err := store.Migrate(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		if v := get(t, storetest.Open(t, cfg), "a"); v != "1" {
			t.Errorf("a = %q", v)
		}
	})
}

// Nodes that start at once on an empty database make its tables once.
func TestNodesStartAtOnce(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		server, err := pgserver.Shared()
		if err != nil {
			t.Fatal(err)
		}
		const name = "start_at_once"
		if err := server.CreateDatabase(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.DropDatabase(t.Context(), name) })
		cfg.DSN = server.DSN(name) + "&pool_max_conns=3" // a word of the pool's, unknown to the server
		var wg sync.WaitGroup
		nodes := make([]*store.DB, 4)
		for i := range nodes {
			wg.Go(func() { nodes[i] = storetest.Open(t, cfg) })
		}
		wg.Wait()
		for _, db := range nodes {
			if db == nil || db.Generation() != nodes[0].Generation() || db.Generation() == "" {
				t.Errorf("generation %q, want one for all", db.Generation())
			}
		}
	})
}

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		settings := func(st *store.Tx) (map[string]string, error) {
			got := map[string]string{}
			for _, name := range []string{"journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys", "query_only", "defer_foreign_keys"} {
				var v string
				if err := st.One(context.Background(), []any{&v}, "pragma "+name); err != nil {
					return nil, err
				}
				got[name] = v
			}
			return got, nil
		}
		var writer, reader map[string]string
		write(t, db, func(st *store.Tx) (err error) { writer, err = settings(st); return err })
		err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) (err error) { reader, err = settings(st); return err })
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"journal_mode": "wal", "synchronous": "2", "wal_autocheckpoint": "0", "foreign_keys": "1", "query_only": "0", "defer_foreign_keys": "0",
		}
		if diff := cmp.Diff(want, writer); diff != "" {
			t.Errorf("writer (-want +got):\n%s", diff)
		}
		if reader["query_only"] != "1" || reader["synchronous"] != "2" || reader["journal_mode"] != "wal" {
			t.Errorf("reader: %v", reader)
		}
	})
}

// Deferred constraints would be checked at the group's commit, OR ROLLBACK would undo the neighbours.
func TestMigrationsKeepGroupsWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"deferr", "or rollback", "on conflict rollback"} {
			if strings.Contains(strings.ToLower(string(text)), bad) {
				t.Errorf("%s has %q", name, bad)
			}
		}
	}
}

func TestSQLiteFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		cfg.Path = filepath.Join(t.TempDir(), "new.db") // the store itself makes the file
		db := storetest.Open(t, cfg)
		write(t, db, put("a", "1"))
		for _, name := range []string{cfg.Path, cfg.Path + "-wal", cfg.Path + "-shm"} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != 0o600 {
				t.Errorf("%s has mode %o, want 600", filepath.Base(name), got)
			}
		}
	})
}

func TestSQLiteFileNames(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		cfg.Path = filepath.Join(t.TempDir(), "100% sure? #1 é.db")
		write(t, storetest.Open(t, cfg), put("a", "1"))
		if _, err := os.Stat(cfg.Path); err != nil {
			t.Error(err)
		}
	})
}

func TestSQLiteLogIsEmptied(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		size := func() int64 {
			info, err := os.Stat(cfg.Path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		n := 0
		replace := func(st *store.Tx) error {
			n++ // pages that stay the same are not written
			text := strings.Repeat(string(rune('a'+n%26)), 1<<20)
			st.Exec(`insert into meta (key, value) values ('big', $1) on conflict (key) do update set value = excluded.value`, text)
			return nil
		}
		for range 20 {
			write(t, db, replace)
			db.Checkpoint(1 << 40) // beside the writer, which then starts again at the log's beginning
		}
		if got := size(); got > 6<<20 {
			t.Errorf("after 20 MiB of writes the log has %d bytes, want it reused", got)
		}

		// A reader that stays keeps the log from starting again; between two groups it is emptied once the reader is gone.
		write(t, db, replace)
		err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
			if _, err := st.Meta(t.Context(), "big"); err != nil {
				return err
			}
			for range 10 {
				write(t, db, replace)
				db.Checkpoint(8 << 20)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := size(); got < 6<<20 {
			t.Errorf("the log has %d bytes beside a reader, want this test to have made it grow", got)
		}
		db.Checkpoint(1 << 20)
		if got := size(); got != 0 {
			t.Errorf("the log has %d bytes after it was emptied", got)
		}
		write(t, db, replace)
	})
}

// A checkpoint beside a busy writer and readers locks nobody out.
func TestSQLiteCheckpointsDisturbNobody(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for n := range 50 {
					if err := tryWrite(db, put(fmt.Sprintf("%d-%d", i, n), strings.Repeat("x", 5000))); err != nil {
						t.Errorf("write: %v", err)
					}
				}
			})
			wg.Go(func() {
				for range 100 {
					err := db.Read(context.Background(), 0, func(st *store.Tx, _ time.Time) error {
						_, err := st.Meta(context.Background(), "0-0")
						return err
					})
					if err != nil {
						t.Errorf("read: %v", err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() {
			wg.Wait()
			close(done)
		}()
		for busy := true; busy; {
			db.Checkpoint(100 << 10)
			select {
			case <-done:
				busy = false
			default:
			}
		}
	})
}

func TestSQLiteReadsAreLimited(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		db.LimitReads(20 * time.Millisecond)
		var n int
		err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
			return st.One(t.Context(), []any{&n}, `with recursive c (n) as (select 1 union all select n + 1 from c) select count(*) from c`)
		})
		wantBusy(t, "an endless query", err)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = db.Read(ctx, 0, func(*store.Tx, time.Time) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled read: got %v", err)
		}
	})
}

func TestSQLiteWriterForgetsStatements(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		for i := range 3 * store.KeptStmts {
			write(t, db, func(st *store.Tx) error {
				var n int
				return st.One(context.Background(), []any{&n}, fmt.Sprintf(`select %d`, i))
			})
		}
		kept := 0
		if err := db.Between(func(func(string) error) { kept = db.Stmts() }); err != nil {
			t.Fatal(err)
		}
		if kept > store.KeptStmts {
			t.Errorf("%d statements are kept, want at most %d", kept, store.KeptStmts)
		}
	})
}

// Accepted writes are answered, later ones are refused, and nothing panics.
func TestSQLiteCloseWhileWritesAreQueued(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		g := hold(t, db)
		var wg sync.WaitGroup
		got := make([]error, 100)
		for i := range got {
			g.queue(t, &wg, func() { got[i] = tryWrite(db, put(fmt.Sprint(i), "1")) })
		}
		closed := make(chan error, 1)
		go func() { closed <- db.Close() }()
		until(t, "the writer takes no more", db.Refuses)
		g.release()
		wg.Wait()
		if err := errors.Join(<-closed, errors.Join(got...)); err != nil {
			t.Errorf("got %v, want every accepted write done", err)
		}
		wantBusy(t, "a write after the end", tryWrite(db, put("late", "1")))
		err = db.Read(t.Context(), 0, func(*store.Tx, time.Time) error { return nil })
		wantBusy(t, "a read after the end", err)
		if err := db.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		again := storetest.Open(t, cfg)
		if v := get(t, again, "99"); v != "1" {
			t.Errorf("after reopening: %q", v)
		}
	})
}

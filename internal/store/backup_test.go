package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// backup makes a copy of a database beside its test's other files.
func backup(t *testing.T, db *store.DB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "copy.db")
	if err := db.Backup(context.Background(), file); err != nil {
		t.Fatal(err)
	}
	return file
}

// restored restores a file into a folder of its own and opens it.
func restored(t *testing.T, file string) (*store.DB, store.Config) {
	t.Helper()
	cfg := store.Config{Path: filepath.Join(t.TempDir(), "purser.db")}
	if _, err := store.Restore(context.Background(), cfg, file, false); err != nil {
		t.Fatal(err)
	}
	return storetest.Open(t, cfg), cfg
}

func feedOf(db *store.DB) *event.Feed {
	return event.NewFeed(store.As(db, func(t *store.Tx) event.Store { return t }), db, nil)
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestBackupBesideWriters(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		s := busyShop(t, db)
		var wg sync.WaitGroup
		var made atomic.Int64
		stop := make(chan struct{})
		for w := range 8 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := s.Provision(s.ctx, env, ask(fmt.Sprintf("w%d-%d", w, i), "plan-pro")); err != nil {
						t.Errorf("a write beside a backup: %v", err)
						return
					}
					made.Add(1)
				}
			})
		}
		for round := range 3 {
			until(t, "customers are made", func() bool { return made.Load() > int64(50*(round+1)) || t.Failed() })
			before := made.Load()
			file := backup(t, db)
			copied, _ := restored(t, file)
			r := verify(t, copied)
			if !r.OK || r.Checked.Customers < before {
				t.Errorf("a copy made after %d customers: %+v", before, r)
			}
			if got := names(t, filepath.Dir(file)); len(got) != 1 {
				t.Errorf("beside the backup: %v", got)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the backup's mode: %v, %v", info.Mode(), err)
			}
		}
		close(stop)
		wg.Wait()
		if r := verify(t, db); !r.OK {
			t.Errorf("the original: %v", r.Findings)
		}
	})
}

func TestBackupNeverReplacesAFile(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		file := backup(t, db)
		was, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{file, cfg.Path, filepath.Dir(file), filepath.Join(t.TempDir(), "no", "folder.db")} {
			if err := db.Backup(t.Context(), to); err == nil {
				t.Errorf("a backup to %s", to)
			}
		}
		if is, err := os.ReadFile(file); err != nil || !bytes.Equal(is, was) {
			t.Errorf("the first backup changed: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		other := filepath.Join(t.TempDir(), "other.db")
		if err := db.Backup(gone, other); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled backup: %v", err)
		}
		if left := names(t, filepath.Dir(other)); len(left) != 0 {
			t.Errorf("a cancelled backup left %v", left)
		}
	})
}

func TestPostgresIsBackedUpByItsOwnTools(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		file := filepath.Join(t.TempDir(), "copy.db")
		for what, err := range map[string]error{
			"pg_dump":    db.Backup(t.Context(), file),
			"pg_restore": func() error { _, err := store.Restore(t.Context(), cfg, file, true); return err }(),
		} {
			if err == nil || !strings.Contains(err.Error(), what+" --") || strings.Contains(err.Error(), cfg.DSN) {
				t.Errorf("want the command %s, got %v", what, err)
			}
		}
	})
}

// A reader of the feed from before must notice that what it saw may never have happened.
func TestRestoredFeedIsAnotherGeneration(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		s := busyShop(t, db)
		_, cursor, err := feedOf(db).Read(s.ctx, env, nil, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		file := backup(t, db)
		copied, _ := restored(t, file)
		if copied.Generation() == db.Generation() {
			t.Errorf("both have the generation %s", db.Generation())
		}
		_, _, err = feedOf(copied).Read(s.ctx, env, &cursor, 10, 0)
		wantCode(t, "an old cursor", err, errs.FeedResync)
		if list, _, err := feedOf(copied).Read(s.ctx, env, nil, 10, 0); err != nil || len(list) != 10 {
			t.Errorf("a new reader: %d events, %v", len(list), err)
		}
		again, _ := restored(t, file)
		if again.Generation() == copied.Generation() {
			t.Error("restoring twice gives one generation")
		}
	})
}

func TestNewGeneration(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		s := busyShop(t, db)
		_, cursor, err := feedOf(db).Read(s.ctx, env, nil, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.DSN != "" {
			if _, err := store.NewGeneration(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "stop") {
				t.Errorf("beside an open database: %v", err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		// PostgreSQL forgets a connection a moment after it was closed.
		var gen string
		until(t, "the connections are gone", func() bool { gen, err = store.NewGeneration(t.Context(), cfg); return err == nil })
		db = storetest.Open(t, cfg)
		if db.Generation() != gen || gen == cursor.Generation {
			t.Errorf("generation %s, made %s, before %s", db.Generation(), gen, cursor.Generation)
		}
		_, _, err = feedOf(db).Read(s.ctx, env, &cursor, 10, 0)
		wantCode(t, "an old cursor", err, errs.FeedResync)
		if r := verify(t, db); !r.OK {
			t.Errorf("findings: %v", r.Findings)
		}
	})
}

func TestRestoreReplacesOnlyByForce(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		from, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		write(t, from, put("k", "in the backup"))
		file := backup(t, from)
		write(t, from, put("later", "lost"))
		if err := from.Close(); err != nil {
			t.Fatal(err)
		}
		// A log that was left behind must not become the new database's.
		if err := os.WriteFile(cfg.Path+"-wal", []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Restore(t.Context(), cfg, file, false); err == nil || !strings.Contains(err.Error(), "exists") {
			t.Errorf("without force: %v", err)
		}
		gen, err := store.Restore(t.Context(), cfg, file, true)
		if err != nil {
			t.Fatal(err)
		}
		want := "purser.db purser.db.replaced purser.db.replaced-wal"
		if got := strings.Join(names(t, filepath.Dir(cfg.Path)), " "); got != want {
			t.Errorf("files %s, want %s", got, want)
		}
		db := storetest.Open(t, cfg)
		if get(t, db, "k") != "in the backup" || get(t, db, "later") != "" || db.Generation() != gen {
			t.Error("the database is not the backup's")
		}
		if info, err := os.Stat(cfg.Path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode: %v, %v", info.Mode(), err)
		}
		for what, file := range map[string]string{"itself": cfg.Path, "missing": cfg.Path + "x"} {
			if _, err := store.Restore(t.Context(), cfg, file, true); err == nil {
				t.Errorf("restored from a file that is %s", what)
			}
		}
		if get(t, db, "k") != "in the backup" {
			t.Error("a refused restore changed the database")
		}
	})
}

// A bad file must change nothing, not even by force.
func TestRestoreChecksTheFile(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		busyShop(t, db)
		good, err := os.ReadFile(backup(t, db))
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			content []byte
			sql     string
			want    string
		}{
			"text":      {[]byte(strings.Repeat("no database\n", 100)), "", "no SQLite database"},
			"empty":     {[]byte{}, "", "no Purser database"},
			"foreign":   {nil, `create table customers (id text)`, "no Purser database"},
			"cut":       {good[:len(good)/2], "", ""},
			"scribbled": {scribbled(good), "", ""},
			"later":     {good, `insert into goose_db_version (version_id, is_applied) values (9999, 1)`, "later version"},
			"unused":    {good, `delete from meta`, "ever in use"},
			"dangling":  {good, `update timers set customer_id = 'x'`, "foreign_key_check: timers"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "bad.db")
				if err := os.WriteFile(file, c.content, 0o600); err != nil {
					t.Fatal(err)
				}
				if c.sql != "" {
					runSQL(t, file, c.sql)
				}
				to := store.Config{Path: filepath.Join(t.TempDir(), "purser.db")}
				if err := os.WriteFile(to.Path, []byte("what was there"), 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := store.Restore(t.Context(), to, file, true)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if b, err := os.ReadFile(to.Path); err != nil || string(b) != "what was there" {
					t.Errorf("the database that was there: %q, %v", b, err)
				}
				if left := names(t, filepath.Dir(to.Path)); len(left) != 1 {
					t.Errorf("left %v", left)
				}
			})
		}
	})
}

// scribbled writes over the middle of a file.
func scribbled(b []byte) []byte {
	b = bytes.Clone(b)
	for i := len(b) / 3; i < len(b)*2/3; i++ {
		b[i] ^= 0x5a
	}
	return b
}

func TestRestoreRefusesADatabaseInUse(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		write(t, db, put("k", "in the log only"))
		to := store.Config{Path: filepath.Join(t.TempDir(), "purser.db")}
		if _, err := store.Restore(t.Context(), to, cfg.Path, false); err == nil || !strings.Contains(err.Error(), "purser backup") {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(to.Path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("something was restored: %v", err)
		}
	})
}

// runSQL changes a file as only another program would.
func runSQL(t *testing.T, file, text string) {
	t.Helper()
	pool, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.ExecContext(t.Context(), text)
	if err := errors.Join(err, pool.Close()); err != nil {
		t.Fatal(err)
	}
}

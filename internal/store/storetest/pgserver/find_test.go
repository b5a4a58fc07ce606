package pgserver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
)

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	got := newestFirst([]string{"/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin"})
	want := []string{"/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9.6/bin"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		postgres string // a script; "" leaves the folder empty
		want     string // version, or a part of the error
	}{
		"recent":   {"#!/bin/sh\necho 'postgres (PostgreSQL) 15.14 (Debian 15.14-1)'\n", "15.14 (Debian 15.14-1)"},
		"too old":  {"#!/bin/sh\necho 'postgres (PostgreSQL) 9.6.24'\n", "older than 14"},
		"broken":   {"#!/bin/sh\necho 'libpq.so.5 is missing' >&2; exit 127\n", "libpq.so.5 is missing"},
		"no files": {"", "no such file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.postgres != "" {
				for _, prog := range []string{"initdb", "postgres"} {
					if err := os.WriteFile(filepath.Join(dir, prog), []byte(tt.postgres), 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
			p, err := inspect(t.Context(), dir)
			got := p.version
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFindObeysTheVariable(t *testing.T) {
	t.Setenv(binEnv, t.TempDir())
	if _, err := find(t.Context()); err == nil || !strings.Contains(err.Error(), binEnv) {
		t.Errorf("got error %v, want one that names %s: a wrong folder is not passed over", err, binEnv)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	old := (clock.System{}).Now().Add(-time.Hour)
	for _, name := range []string{"left", "held", "young", "other"} {
		dir := filepath.Join(tmp, homePrefix+name)
		if name == "other" {
			dir = filepath.Join(tmp, name)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		lock, err := lockFile(filepath.Join(dir, lockName), false)
		if err != nil {
			t.Fatal(err)
		}
		if name == "held" {
			defer func() { _ = lock.Close() }()
		} else if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
		if name != "young" {
			if err := os.Chtimes(dir, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	sweep(tmp)
	var got []string
	entries, err := os.ReadDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := []string{"other", homePrefix + "held", homePrefix + "young"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("left after sweep (-want +got):\n%s", diff)
	}
}

func TestEnterable(t *testing.T) {
	t.Parallel()
	open := t.TempDir()
	if err := os.Mkdir(filepath.Join(open, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	if enterable(filepath.Join(open, "closed", "not", "there")) {
		t.Error("a folder below a closed one is enterable, want not")
	}
	if !enterable("/") {
		t.Error("the root is not enterable, want it to be")
	}
	if _, err := os.Stat(filepath.Join(open, "closed", "not")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("enterable made a folder")
	}
}

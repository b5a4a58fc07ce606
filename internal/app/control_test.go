package app_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/app"
)

func control(t *testing.T, p app.Place) *app.Control {
	t.Helper()
	c, err := app.OpenControl(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close control: %v", err)
		}
	})
	return c
}

// works reports whether a server takes a key.
func works(t *testing.T, url, key string) bool {
	t.Helper()
	_, err := app.Client{URL: url, Key: key}.Do(t.Context(), http.MethodGet, "/api/v1/customers", nil)
	var refused *app.Refused
	if err != nil && (!errors.As(err, &refused) || refused.Status != http.StatusUnauthorized) {
		t.Fatal(err)
	}
	return err == nil
}

// On PostgreSQL the command is another node: it writes to the database, and the server hears of it from the feed.
func TestKeysOfARunningServer(t *testing.T) {
	each(t, func(t *testing.T, cfg app.Config) {
		r := run(t, cfg)
		c := control(t, cfg.Place)
		k, err := c.CreateKey(t.Context(), "development", "deploy")
		if err != nil {
			t.Fatal(err)
		}
		if !works(t, r.url, k.Secret) {
			t.Error("a new key does not work")
		}
		next, err := c.RotateKey(t.Context(), k.ID, "1h")
		if err != nil {
			t.Fatal(err)
		}
		if !works(t, r.url, k.Secret) || !works(t, r.url, next.Secret) {
			t.Error("a rotated key does not work")
		}
		if _, err := c.RevokeKey(t.Context(), next.ID); err != nil {
			t.Fatal(err)
		}
		for works(t, r.url, next.Secret) {
			if !cfg.Postgres() {
				t.Fatal("a revoked key works")
			}
		}
		list, err := c.ListKeys(t.Context(), "development")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range list {
			got = append(got, k.Name+" "+k.Status)
			if k.Secret != "" {
				t.Errorf("a list shows a secret: %+v", k)
			}
		}
		if want := "Default ACTIVE, Default ACTIVE, deploy EXPIRING, deploy REVOKED"; strings.Join(got, ", ") != want {
			t.Errorf("keys: %v, want %s", got, want)
		}
	})
}

func TestKeysWithoutAServer(t *testing.T) {
	t.Parallel()
	cfg := sqlite(t)
	if _, err := app.OpenControl(t.Context(), cfg.Place); err == nil || !strings.Contains(err.Error(), "purser serve") {
		t.Errorf("an empty directory: %v", err)
	}
	closeApp(t, open(t, cfg))
	c := control(t, cfg.Place)
	if list, err := c.ListKeys(t.Context(), ""); err != nil || len(list) != 4 {
		t.Errorf("%d keys, %v, want 4", len(list), err)
	}
	_, err := c.CreateKey(t.Context(), "staging", "x")
	if err == nil || err.Error() != `There is no environment "staging".` {
		t.Errorf("an unknown environment: %v", err)
	}
	if _, err := app.New(t.Context(), cfg); err == nil {
		t.Error("a server starts while a command holds the directory")
	}
}

func TestSocketIsPrivate(t *testing.T) {
	t.Parallel()
	cfg := sqlite(t)
	cfg.Data = filepath.Join(cfg.Data, "new")
	if err := os.Mkdir(cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(cfg.Data, "purser.sock")
	if err := os.WriteFile(stale, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r := run(t, cfg)
	control(t, cfg.Place) // it answers: the stale one is gone
	info, err := os.Stat(stale)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestLongDirectory(t *testing.T) {
	t.Parallel()
	cfg := sqlite(t)
	cfg.Data = filepath.Join(cfg.Data, strings.Repeat("d", 120))
	r := run(t, cfg)
	if status, _ := fetch(t, r.url+"/livez", "localhost"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

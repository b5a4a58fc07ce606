package app

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/account"
)

func demoConfig(t *testing.T) Config {
	t.Helper()
	return Config{Place: Place{Data: filepath.Join(t.TempDir(), "data")}, Logging: Logging{LogLevel: "error"}, Listen: "127.0.0.1:0"}
}

// serveDemo starts the demo, runs fn when the catalog is there, and stops it.
func serveDemo(t *testing.T, cfg Config, fn func(d *Demo, c Client)) {
	t.Helper()
	d, err := StartDemo(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = d.Serve(ctx, func() {
		defer cancel()
		fn(d, Client{URL: d.URL, Key: d.ServerKey})
	})
	if err != nil {
		t.Errorf("demo: %v", err)
	}
}

func TestDemoKeepsKeysAndChanges(t *testing.T) {
	t.Parallel()
	cfg := demoConfig(t)
	const path = "/api/v1/products/product-demo"
	settings := map[string]any{
		"subscriptionStartSetup": "TRIAL_PERIOD", "subscriptionStartPlanId": "plan-pro",
		"subscriptionEndSetup": "CANCEL_SUBSCRIPTION", "subscriptionCancellationTime": "IMMEDIATE",
	}
	var before json.RawMessage
	var keys [2]string
	serveDemo(t, cfg, func(d *Demo, c Client) {
		keys = [2]string{d.ServerKey, d.ClientKey}
		var err error
		if before, err = c.Do(t.Context(), http.MethodPatch, path, map[string]any{"productSettings": settings}); err != nil {
			t.Errorf("change the journey: %v", err)
		}
		found, err := Client{}.Or(cfg.Data)
		if err != nil || found.URL != d.URL || found.Key != d.ServerKey {
			t.Errorf("a command finds %+v, %v", found, err)
		}
	})
	serveDemo(t, cfg, func(d *Demo, c Client) {
		if keys != [2]string{d.ServerKey, d.ClientKey} {
			t.Error("the second start has other keys")
		}
		after, err := c.Do(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Errorf("read the product: %v", err)
		}
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Errorf("the second start changed the product (-before +after):\n%s", diff)
		}
	})
	if info, err := os.Stat(filepath.Join(cfg.Data, demoFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the keys: %v, %v", info.Mode(), err)
	}
}

func TestDemoTakesTheNextFreePort(t *testing.T) {
	t.Parallel()
	busy, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	cfg := demoConfig(t)
	cfg.Listen = busy.Addr().String()
	serveDemo(t, cfg, func(d *Demo, _ Client) {
		if d.Moved != cfg.Listen || d.URL == "http://"+cfg.Listen || !strings.HasPrefix(d.URL, "http://127.0.0.1:") {
			t.Errorf("asked for %s, which is busy: %s, moved from %q", cfg.Listen, d.URL, d.Moved)
		}
		if !strings.HasPrefix(d.AdminURL, "http://127.0.0.1:") {
			t.Errorf("admin listener: %q", d.AdminURL)
		}
	})
}

// Busy is what could not be had, not what is written in another way than the URL.
func TestDemoNamesBusyAddressesOnly(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "", "0.0.0.0", "127.0.0.1"} {
		cfg := demoConfig(t)
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		cfg.Listen = net.JoinHostPort(host, port)
		serveDemo(t, cfg, func(d *Demo, _ Client) {
			// Another test may have taken the port meanwhile.
			if had := strings.HasSuffix(d.URL, ":"+port); had != (d.Moved == "") {
				t.Errorf("asked for %s, listens on %s, moved from %q", cfg.Listen, d.URL, d.Moved)
			}
		})
	}
}

// liveKeys fails unless the keys in a demo's file are those of its environments.
func liveKeys(t *testing.T, d *Demo, path string) Bootstrap {
	t.Helper()
	env, err := readDemo(path)
	if err != nil {
		t.Fatal(err)
	}
	if env.keys.BootstrapServerKey != d.ServerKey || env.keys.BootstrapClientKey != d.ClientKey {
		t.Error("the demo prints other keys than those in its file")
	}
	for _, l := range env.lines()[1:] {
		c, err := d.parts.keys.Authenticate(t.Context(), *l.value)
		if err != nil || c.Environment.ID != l.slot.Environment || c.Kind != l.slot.Kind {
			t.Errorf("%s: %s key of %s, %v", l.name, c.Kind, c.Environment.Slug, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the keys: %v, %v", info.Mode(), err)
	}
	return env.keys
}

func TestDemoReplacesDeadKeys(t *testing.T) {
	t.Parallel()
	cfg := demoConfig(t)
	path := filepath.Join(cfg.Data, demoFile)
	var before, after Bootstrap
	serveDemo(t, cfg, func(d *Demo, _ Client) {
		before = liveKeys(t, d, path)
		list, err := d.parts.accounts.ListKeys(t.Context(), 0)
		if err != nil {
			t.Error(err)
		}
		for _, k := range list {
			if k.Environment == account.Production && k.Kind == account.ServerKey {
				continue // this one lives on
			}
			if _, err := d.parts.accounts.RotateKey(t.Context(), k.ID, "now"); err != nil {
				t.Error(err)
			}
		}
	})
	serveDemo(t, cfg, func(d *Demo, c Client) {
		after = liveKeys(t, d, path)
		if _, err := c.Clock(t.Context()); err != nil {
			t.Errorf("the printed key: %v", err)
		}
	})
	if before.BootstrapServerKey == after.BootstrapServerKey || before.BootstrapClientKey == after.BootstrapClientKey ||
		before.BootstrapProductionClientKey == after.BootstrapProductionClientKey {
		t.Error("a dead key was kept")
	}
	if before.BootstrapProductionServerKey != after.BootstrapProductionServerKey {
		t.Error("a key that works was replaced")
	}
	serveDemo(t, cfg, func(d *Demo, _ Client) {
		if liveKeys(t, d, path) != after {
			t.Error("the third start has other keys than the second")
		}
	})
}

// Nobody who has a key of the database that was restored loses it at once.
func TestDemoStartsOnARestoredDatabase(t *testing.T) {
	t.Parallel()
	cfg, other := demoConfig(t), demoConfig(t)
	file := filepath.Join(t.TempDir(), "backup.db")
	var keys []string
	serveDemo(t, other, func(d *Demo, _ Client) {
		keys = []string{d.ServerKey, d.ClientKey}
		if err := d.db.Backup(t.Context(), file); err != nil {
			t.Error(err)
		}
	})
	serveDemo(t, cfg, func(*Demo, Client) {})
	if _, err := Restore(t.Context(), cfg.Place, file, true); err != nil {
		t.Fatal(err)
	}
	serveDemo(t, cfg, func(d *Demo, _ Client) {
		liveKeys(t, d, filepath.Join(cfg.Data, demoFile))
		for _, k := range keys {
			if _, err := d.parts.keys.Authenticate(t.Context(), k); err != nil {
				t.Errorf("a key of the database that was restored: %v", err)
			}
		}
	})
}

func TestDemoLeavesOtherDataAlone(t *testing.T) {
	t.Parallel()
	cfg := demoConfig(t)
	a, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := StartDemo(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "no demo made") {
		t.Errorf("a demo on a server's data: %v", err)
	}
}

// A start that is interrupted before the catalog was applied is completed by the next one, and what is there is left alone.
func TestCatalogIsCompleted(t *testing.T) {
	t.Parallel()
	cfg := demoConfig(t)
	cfg.BootstrapServerKey = "server-0123456789012345678901234567"
	a, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	var left atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if left.Add(-1) < 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		a.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	c := Client{URL: s.URL, Key: cfg.BootstrapServerKey}
	for requests := range int64(2) { // one asks whether it is there, one applies it
		left.Store(requests)
		var refused *Refused
		if err := loadCatalog(t.Context(), c); !errors.As(err, &refused) {
			t.Errorf("interrupted after %d requests: %v", requests, err)
		}
	}
	left.Store(3)
	if err := loadCatalog(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	plan, err := data[struct{ Status, PricingType string }](t.Context(), c, http.MethodGet, "/api/v1/plans/plan-pro", nil)
	if err != nil || plan.Status != "PUBLISHED" || plan.PricingType != "PAID" {
		t.Errorf("plan-pro is %+v, %v", plan, err)
	}
	left.Store(1)
	if err := loadCatalog(t.Context(), c); err != nil || left.Load() != 0 {
		t.Errorf("a catalog that is there is loaded again: %v", err)
	}
}

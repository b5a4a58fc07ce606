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

// A start that is interrupted after any request is completed by the next one.
func TestCatalogIsCompleted(t *testing.T) {
	t.Parallel()
	var requests []demoRequest
	if err := json.Unmarshal(demoCatalog, &requests); err != nil {
		t.Fatal(err)
	}
	for n := range requests {
		cfg := demoConfig(t)
		cfg.BootstrapServerKey = "server-0123456789012345678901234567"
		a, err := New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		var left atomic.Int64
		left.Store(int64(n) + 1) // and the question before them
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if left.Add(-1) < 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			a.Handler().ServeHTTP(w, r)
		}))
		c := Client{URL: s.URL, Key: cfg.BootstrapServerKey}
		var refused *Refused
		if err := loadCatalog(t.Context(), c); !errors.As(err, &refused) {
			t.Errorf("interrupted after %d requests: %v", n, err)
		}
		left.Store(int64(len(requests)) + 1)
		if err := loadCatalog(t.Context(), c); err != nil {
			t.Errorf("after an interruption after %d requests: %v", n, err)
		}
		left.Store(2)
		plan, err := data[struct{ Status, PricingType string }](t.Context(), c, http.MethodGet, "/api/v1/plans/plan-pro", nil)
		if err != nil || plan.Status != "PUBLISHED" || plan.PricingType != "PAID" {
			t.Errorf("after an interruption after %d requests plan-pro is %+v, %v", n, plan, err)
		}
		if err := loadCatalog(t.Context(), c); err != nil || left.Load() != 0 {
			t.Errorf("a catalog that is there is loaded again: %v", err)
		}
		s.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

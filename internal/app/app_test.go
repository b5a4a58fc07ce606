package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var quiet = app.Logging{LogLevel: "error"}

// each runs fn on every engine with the configuration of an empty place.
func each(t *testing.T, fn func(t *testing.T, cfg app.Config)) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, sc store.Config) {
		if sc.DSN == "" {
			fn(t, sqlite(t))
			return
		}
		fn(t, configFor(sc))
	})
}

func configFor(sc store.Config) app.Config {
	cfg := app.Config{Logging: quiet, Listen: "127.0.0.1:0"}
	cfg.Data, cfg.Database = filepath.Dir(sc.Path), sc.DSN
	return cfg
}

// sqlite is an empty directory: storetest's would have a database in it.
func sqlite(t *testing.T) app.Config {
	t.Helper()
	return configFor(store.Config{Path: filepath.Join(t.TempDir(), "purser.db")})
}

func open(t *testing.T, cfg app.Config) *app.App {
	t.Helper()
	a, err := app.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func closeApp(t *testing.T, a *app.App) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// secrets are the keys of a first start by "environment kind".
func secrets(a *app.App) map[string]string {
	m := map[string]string{}
	for _, k := range a.MadeKeys() {
		m[k.Environment+" "+k.Kind] = k.Secret
	}
	return m
}

// get asks a handler and returns the status and the code of the answer ("" for a success).
func get(t *testing.T, h http.Handler, path, key, host string) (status int, code string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	r.Host = host
	if key != "" {
		r.Header.Set("X-API-KEY", key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var body struct{ Code, RequestID string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v in %q", path, err, w.Body)
	}
	if body.Code != "" && body.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("%s: the answer names request %q, the header %q", path, body.RequestID, w.Header().Get("X-Request-Id"))
	}
	return w.Code, body.Code
}

func TestAnswers(t *testing.T) {
	each(t, func(t *testing.T, cfg app.Config) {
		a := open(t, cfg)
		defer closeApp(t, a)
		keys := secrets(a)
		if len(keys) != 4 {
			t.Fatalf("the first start made up %d keys, want 4", len(keys))
		}
		for _, tt := range []struct {
			name, path, key, host string
			status                int
			code                  string
		}{
			{"alive", "/livez", "", "localhost", 200, ""},
			{"ready", "/readyz", "", "localhost:8080", 200, ""},
			{"no metrics here", "/metrics", "", "localhost", 404, "RouteNotFound"},
			{"no profiles here", "/debug/pprof/", "", "localhost", 404, "RouteNotFound"},
			{"no key", "/api/v1/customers", "", "localhost", 401, "Unauthenticated"},
			{"unknown key", "/api/v1/customers", "server-" + strings.Repeat("0", 43), "localhost", 401, "Unauthenticated"},
			{"server key", "/api/v1/customers", keys["development SERVER"], "localhost", 200, ""},
			{"production's server key", "/api/v1/customers", keys["production SERVER"], "localhost", 200, ""},
			{"client key", "/api/v1/customers", keys["development CLIENT"], "localhost", 403, "IdentityForbidden"},
			{"client key in production", "/api/v1/customers/x/entitlements", keys["production CLIENT"], "localhost", 403, "IdentityForbidden"},
			{"another host", "/livez", "", "purser.example", 403, "IdentityForbidden"},
			{"a number as host", "/livez", "", "[::1]:80", 200, ""},
		} {
			status, code := get(t, a.Handler(), tt.path, tt.key, tt.host)
			if status != tt.status || code != tt.code {
				t.Errorf("%s: got %d %q, want %d %q", tt.name, status, code, tt.status, tt.code)
			}
		}
	})
}

func TestRestartKeepsKeys(t *testing.T) {
	each(t, func(t *testing.T, cfg app.Config) {
		a := open(t, cfg)
		keys := secrets(a)
		closeApp(t, a)
		a = open(t, cfg)
		defer closeApp(t, a)
		if made := a.MadeKeys(); len(made) != 0 {
			t.Errorf("the second start made keys: %v", made)
		}
		if status, _ := get(t, a.Handler(), "/api/v1/customers", keys["development SERVER"], "localhost"); status != 200 {
			t.Errorf("the key of the first start gets %d", status)
		}
	})
}

func TestBootstrapKeys(t *testing.T) {
	t.Parallel()
	key := func(kind string) string { return kind + "-" + strings.Repeat("k", 25) }
	t.Run("are used", func(t *testing.T) {
		t.Parallel()
		cfg := sqlite(t)
		cfg.BootstrapServerKey = key("server")
		cfg.BootstrapProductionClientKey = key("client")
		a := open(t, cfg)
		defer closeApp(t, a)
		if diff := cmp.Diff(2, len(a.MadeKeys())); diff != "" {
			t.Errorf("keys made up (-want +got):\n%s", diff)
		}
		if status, _ := get(t, a.Handler(), "/api/v1/customers", cfg.BootstrapServerKey, "localhost"); status != 200 {
			t.Errorf("the given key gets %d", status)
		}
	})
	t.Run("are refused all at once", func(t *testing.T) {
		t.Parallel()
		cfg := sqlite(t)
		cfg.BootstrapServerKey = "server-short"
		cfg.BootstrapClientKey = key("server")
		cfg.BootstrapProductionServerKey = key("server")
		_, err := app.New(t.Context(), cfg)
		if err == nil {
			t.Fatal("bad keys were taken")
		}
		for _, want := range []string{
			"PURSER_BOOTSTRAP_SERVER_KEY must have from 32", "PURSER_BOOTSTRAP_CLIENT_KEY must begin with client-",
			"PURSER_BOOTSTRAP_PRODUCTION_SERVER_KEY is the same as",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
		if strings.Contains(err.Error(), "kkkk") {
			t.Errorf("a key stands in the error: %v", err)
		}
	})
}

func TestOneProcessPerDirectory(t *testing.T) {
	t.Parallel()
	cfg := sqlite(t)
	a := open(t, cfg)
	_, err := app.New(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), cfg.Data) {
		t.Errorf("a second server on the directory: %v", err)
	}
	if err := app.Migrate(t.Context(), cfg.Place); err == nil {
		t.Error("a migration beside a server")
	}
	closeApp(t, a)
	closeApp(t, open(t, cfg))
	if err := app.Migrate(t.Context(), cfg.Place); err != nil {
		t.Errorf("a migration afterwards: %v", err)
	}
}

func TestReadyNeedsAgreeingClocks(t *testing.T) {
	each(t, func(t *testing.T, cfg app.Config) {
		now := clock.System{}.Now()
		c := clock.At(now)
		cfg.Clock = c
		a := open(t, cfg)
		defer closeApp(t, a)
		c.Add(time.Hour)
		want := 200
		if cfg.Postgres() {
			want = 503
		}
		if status, _ := get(t, a.Handler(), "/readyz", "", "localhost"); status != want {
			t.Errorf("clocks an hour apart: %d, want %d", status, want)
		}
	})
}

func TestNotReadyWithoutDatabase(t *testing.T) {
	each(t, func(t *testing.T, cfg app.Config) {
		a := open(t, cfg)
		closeApp(t, a)
		if status, code := get(t, a.Handler(), "/readyz", "", "localhost"); status != 503 || code != "ServiceUnavailable" {
			t.Errorf("a closed database: %d %q", status, code)
		}
		if status, _ := get(t, a.Handler(), "/livez", "", "localhost"); status != 200 {
			t.Errorf("alive: %d", status)
		}
	})
}

// running is a server that listens.
type running struct {
	*app.App
	url, admin string
	stop       func() error // stops it and returns what Run returned
}

func run(t *testing.T, cfg app.Config) *running {
	t.Helper()
	a := open(t, cfg)
	url, admin, err := a.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	r := &running{App: a, url: url, admin: admin}
	r.stop = func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return r
}

func TestShutdownAnswersWhatWasAccepted(t *testing.T) {
	each(t, func(t *testing.T, cfg app.Config) {
		r := run(t, cfg)
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		body := `{"id":"customer-late"}`
		_, _ = fmt.Fprintf(conn, "POST /api/v1/customers HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: %s\r\n"+
			"Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
			secrets(r.App)["development SERVER"], len(body))
		in := bufio.NewReader(conn)
		if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
			t.Fatalf("the server did not take the request: %q, %v", line, err)
		}
		if _, err := in.ReadString('\n'); err != nil { // the empty line after it
			t.Fatal(err)
		}
		stopped := make(chan error, 1)
		go func() { stopped <- r.stop() }()
		for stopping := false; !stopping; {
			status, _ := get(t, r.Handler(), "/readyz", "", "localhost")
			stopping = status == 503
		}
		if _, err := conn.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("an accepted request got no answer: %v", err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusCreated {
			t.Errorf("status %d, want 201", res.StatusCode)
		}
		if err := <-stopped; err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
}

// A reader that waits for news is answered without any when the server stops; it does not wait for its 25 s.
func TestShutdownEndsReadersOfTheFeed(t *testing.T) {
	t.Parallel()
	r := run(t, sqlite(t))
	c := app.Client{URL: r.url, Key: secrets(r.App)["development SERVER"]}
	news, err := c.Do(t.Context(), http.MethodGet, "/api/v1/feed", nil)
	if err != nil {
		t.Fatal(err)
	}
	var feed struct{ Next string }
	if err := json.Unmarshal(news, &feed); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) },
	})
	waiting := make(chan error, 1)
	go func() {
		_, err := c.Do(ctx, http.MethodGet, "/api/v1/feed?wait=25&after="+feed.Next, nil)
		waiting <- err
	}()
	<-sent
	if err := r.stop(); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	var refused *app.Refused
	if err := <-waiting; errors.As(err, &refused) { // a connection that was closed before the request was read is no answer
		t.Errorf("the reader was answered with %d: it was hurried, not told to stop", refused.Status)
	}
}

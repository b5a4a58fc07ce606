// Package apitest tests the API as a caller sees it: the real router and a real
// database of each engine, through app.New.
//
// A test starts a server with each, sends requests through a caller (one key of one
// environment) and looks at the answer. Every answer is checked against the OpenAPI
// document on its way (schema_test.go). Time stands still at begin unless a test
// moves it; no background worker runs, so nothing here can lean on one.
package apitest

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

var update = flag.Bool("update", false, "rewrite golden and generated files")

func TestMain(m *testing.M) { storetest.Main(m) }

// begin is where every server's clock stands at first.
var begin = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

// The keys that every server starts with.
const (
	devServer  = "server-apitest-development-000000000001"
	devClient  = "client-apitest-development-000000000002"
	prodServer = "server-apitest-production-0000000000003"
	prodClient = "client-apitest-production-0000000000004"
)

// server is an app that answers, with one caller per key. Its own methods call with the development server key.
type server struct {
	caller
	client     caller // development, client key
	production caller // production, server key
	browser    caller // production, client key
	clock      *clock.Manual
	db         store.Config
	app        *app.App
}

// caller sends requests with one key.
type caller struct {
	t       testing.TB
	handler http.Handler
	key     string
	schemas *document
	marks   *int
}

// each runs a test against a fresh server on every engine.
func each(t *testing.T, fn func(t *testing.T, s *server)) {
	t.Helper()
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			fn(t, start(t, engine))
		})
	}
}

func start(t testing.TB, engine string, change ...func(*app.Config)) *server {
	t.Helper()
	return open(t, storetest.New(t, engine), clock.At(begin), change...)
}

// node starts another server on the same database: beside this one on PostgreSQL, after it was closed on SQLite.
func (s *server) node(change ...func(*app.Config)) *server {
	s.t.Helper()
	n := open(s.t, s.db, s.clock, change...)
	n.marks, n.production.marks = s.marks, s.production.marks
	return n
}

// close ends the server. Doing it twice does no harm.
func (s *server) close() {
	s.t.Helper()
	if s.app == nil {
		return
	}
	if err := s.app.Close(); err != nil {
		s.t.Errorf("close: %v", err)
	}
	s.app = nil
}

func open(t testing.TB, db store.Config, c *clock.Manual, change ...func(*app.Config)) *server {
	t.Helper()
	s := &server{clock: c, db: db}
	cfg := app.Config{Clock: s.clock, Logging: app.Logging{LogLevel: "error"}, Bootstrap: app.Bootstrap{
		BootstrapServerKey: devServer, BootstrapClientKey: devClient,
		BootstrapProductionServerKey: prodServer, BootstrapProductionClientKey: prodClient,
	}}
	cfg.Database = db.DSN
	if db.DSN == "" {
		cfg.Data = filepath.Dir(db.Path)
	}
	for _, fn := range change {
		fn(&cfg)
	}
	a, err := app.New(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	s.app = a
	t.Cleanup(s.close)
	s.caller = caller{t, a.Handler(), devServer, nil, new(int)}
	s.schemas = readDocument(s.caller)
	s.client, s.production, s.browser = s.with(devClient), s.with(prodServer), s.with(prodClient)
	s.production.marks = new(int)
	return s
}

func (c caller) with(key string) caller {
	c.key = key
	return c
}

// in is the caller for a subtest.
func (c caller) in(t testing.TB) caller {
	c.t = t
	return c
}

func (c caller) get(path string, head ...string) *answer {
	c.t.Helper()
	return c.do("GET", path, "", head...)
}

func (c caller) del(path string, head ...string) *answer {
	c.t.Helper()
	return c.do("DELETE", path, "", head...)
}

func (c caller) post(path, body string, head ...string) *answer {
	c.t.Helper()
	return c.do("POST", path, body, head...)
}

func (c caller) patch(path, body string, head ...string) *answer {
	c.t.Helper()
	return c.do("PATCH", path, body, head...)
}

func (c caller) put(path, body string, head ...string) *answer {
	c.t.Helper()
	return c.do("PUT", path, body, head...)
}

// do sends one request; head are pairs of names and values, an empty value removes a header.
func (c caller) do(method, path, body string, head ...string) *answer {
	c.t.Helper()
	a := c.send(method, path, body, head...)
	if a.tree == nil && json.Unmarshal(a.raw, &a.tree) != nil {
		c.t.Fatalf("%s: %d, no JSON: %q", a.call, a.status, a.raw)
	}
	if issues := append(c.schemas.check(method, a.path, a.status, a.tree), a.form()...); issues != nil {
		slices.Sort(issues)
		c.t.Errorf("%s: %d:\n  %s\n%s", a.call, a.status, strings.Join(issues, "\n  "), a.raw)
	}
	return a
}

// send is do without any check; it may be called from any goroutine.
func (c caller) send(method, path, body string, head ...string) *answer {
	r := httptest.NewRequestWithContext(c.t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("X-API-KEY", c.key)
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
		if head[i+1] == "" {
			r.Header.Del(head[i])
		}
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return &answer{t: c.t, call: method + " " + path, path: r.URL.EscapedPath(), status: w.Code, head: w.Header(), raw: w.Body.Bytes()}
}

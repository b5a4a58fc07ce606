// Package apitest tests the API as a caller sees it: the real router and a real
// database of each engine, through app.New.
//
// A test starts a server with each, sends requests through a caller (one key of one
// environment) and looks at the answer. Every answer is checked against the OpenAPI
// document on its way (schema_test.go). Time stands still at begin unless a test
// moves it; no background worker runs, so nothing here can lean on one.
package apitest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/base/clock"
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

func start(t testing.TB, engine string) *server {
	t.Helper()
	db := storetest.New(t, engine)
	s := &server{clock: clock.At(begin)}
	cfg := app.Config{Clock: s.clock, Logging: app.Logging{LogLevel: "error"}, Bootstrap: app.Bootstrap{
		BootstrapServerKey: devServer, BootstrapClientKey: devClient,
		BootstrapProductionServerKey: prodServer, BootstrapProductionClientKey: prodClient,
	}}
	cfg.Database = db.DSN
	if db.DSN == "" {
		cfg.Data = filepath.Dir(db.Path)
	}
	a, err := app.New(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	s.app = a
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

// answer is what came back.
type answer struct {
	t      testing.TB
	call   string
	path   string
	status int
	head   http.Header
	raw    []byte
	tree   any
}

// form says what is wrong with an answer whatever it says: the headers, and the body of an error (design decision 12).
func (a *answer) form() (issues []string) {
	if got := a.head.Get("Content-Type"); got != "application/json" {
		issues = append(issues, fmt.Sprintf("Content-Type is %q", got))
	}
	if a.head.Get("X-Request-Id") == "" {
		issues = append(issues, "no X-Request-Id")
	}
	if a.status < 400 {
		return issues
	}
	var p problemBody
	d := json.NewDecoder(bytes.NewReader(a.raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		issues = append(issues, "no error body: "+err.Error())
	}
	if p.Error.Code != p.Code || p.Error.Message != p.Message || p.Code == "" || p.Message == "" || p.Details == nil || p.RequestID == "" {
		issues = append(issues, "an error body says code and message twice, details and requestId")
	}
	if a.status == http.StatusConflict && a.head.Get("X-Should-Retry") != "false" && a.head.Get("Retry-After") == "" {
		issues = append(issues, "a conflict says neither x-should-retry: false nor Retry-After")
	}
	return issues
}

type problemBody struct {
	Error     struct{ Code, Message string }
	Code      string
	Message   string
	Details   []struct{ Path, Issue string }
	RequestID string
}

// want stops the test unless the answer has the status.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d\n%s", a.call, a.status, status, a.raw)
	}
	return a
}

// refused stops the test unless the answer is this error and names exactly these paths, in any order.
func (a *answer) refused(status int, code string, paths ...string) *answer {
	a.t.Helper()
	var p problemBody
	if err := json.Unmarshal(a.raw, &p); err != nil || a.status != status || p.Code != code {
		a.t.Fatalf("%s: want %d %s, got %d\n%s", a.call, status, code, a.status, a.raw)
	}
	got := []string{}
	for _, d := range p.Details {
		got = append(got, d.Path)
	}
	slices.Sort(got)
	slices.Sort(paths)
	if paths != nil && !slices.Equal(slices.Compact(got), paths) {
		a.t.Errorf("%s: details name %v, want %v\n%s", a.call, got, paths, a.raw)
	}
	return a
}

// at finds a value by its path: "data.entitlements.0.feature.id". ok is false where nothing is.
func (a *answer) at(path string) (value any, ok bool) {
	value = a.tree
	for _, part := range strings.Split(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			if value, ok = v[part]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// has checks pairs of a path and its value; the value absent means that there is nothing.
func (a *answer) has(pairs ...any) *answer {
	a.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		path, want := pairs[i].(string), pairs[i+1]
		got, ok := a.at(path)
		if want == absent {
			if ok {
				a.t.Errorf("%s: %s is %v, want nothing\n%s", a.call, path, got, a.raw)
			}
			continue
		}
		if d := cmp.Diff(plain(want), got); d != "" || !ok {
			a.t.Errorf("%s: %s (-want +got):\n%s\n%s", a.call, path, d, a.raw)
		}
	}
	return a
}

// absent is a value for has.
const absent = "\x00absent"

// text is a string in the answer.
func (a *answer) text(path string) string {
	a.t.Helper()
	v, _ := a.at(path)
	s, ok := v.(string)
	if !ok {
		a.t.Fatalf("%s: %s is no text: %v\n%s", a.call, path, v, a.raw)
	}
	return s
}

// each collects a member of all rows of data: ids("id").
func (a *answer) column(member string) []string {
	a.t.Helper()
	rows, _ := a.at("data")
	list, ok := rows.([]any)
	if !ok {
		a.t.Fatalf("%s: data is no list\n%s", a.call, a.raw)
	}
	out := []string{}
	for i := range list {
		out = append(out, a.text(fmt.Sprintf("data.%d.%s", i, member)))
	}
	return out
}

// plain brings a Go value into the form that decoded JSON has.
func plain(v any) (out any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// demoCatalog is what the demo starts with.
const demoCatalog = "../demo/catalog.json"

// demo loads the demo's catalog: plan-free and plan-basic (free) and plan-pro (paid, a trial of 14 days).
func (c caller) demo() {
	c.t.Helper()
	b, err := os.ReadFile(demoCatalog)
	if err != nil {
		c.t.Fatal(err)
	}
	var list []struct {
		Method, Path string
		Body         json.RawMessage
	}
	if err := json.Unmarshal(b, &list); err != nil {
		c.t.Fatal(err)
	}
	for _, r := range list {
		if a := c.do(r.Method, r.Path, string(r.Body)); a.status >= 300 {
			c.t.Fatalf("%s: %d\n%s", a.call, a.status, a.raw)
		}
	}
}

// journey replaces the settings of product-demo.
func (c caller) journey(settings string) {
	c.t.Helper()
	c.patch("/api/v1/products/product-demo", `{"productSettings":{`+settings+`}}`).want(200)
}

// Settings for journey.
const (
	startFree   = `"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"plan-free"`
	startTrial  = `"subscriptionStartSetup":"TRIAL_PERIOD","subscriptionStartPlanId":"plan-pro"`
	endRevoke   = `"subscriptionEndSetup":"CANCEL_SUBSCRIPTION"`
	endFree     = `"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"plan-free"`
	selectFirst = `"subscriptionStartSetup":"PLAN_SELECTION"`
)

const customers = "/api/v1/customers"

// provision is the body for a customer with a plan; more are members of subscriptionParams.
func provision(id, plan string, more ...string) string {
	params := append([]string{fmt.Sprintf(`"planId":%q`, plan)}, more...)
	return fmt.Sprintf(`{"id":%q,"subscriptionParams":{%s}}`, id, strings.Join(params, ","))
}

// moveTo moves the test clock.
func (c caller) moveTo(now time.Time) {
	c.t.Helper()
	c.put("/api/v1/test-clock", fmt.Sprintf(`{"now":%q}`, now.Format(time.RFC3339Nano))).want(200).has("data.now", stamp(now), "data.mode", "test")
}

// check asks for one entitlement; more is the rest of the query.
func (c caller) check(customer, feature string, more ...string) *answer {
	c.t.Helper()
	return c.get(customers + "/" + customer + "/entitlements/check?featureId=" + feature + strings.Join(more, "")).want(200)
}

// stamp is an instant on the wire.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

const day = 24 * time.Hour

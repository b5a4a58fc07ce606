package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/event"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	const body = `"part":{"name":"ab"},"mode":null,"at":"2026-01-02T02:04:05.678Z","price":12.5,"credit":null}`
	for _, tc := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"POST", "/api/v1/widgets", `{"id":"a"}`, 201, `{"data":{"id":"a",` + body + `}`},
		{"POST", "/api/v1/widgets", `{"id":"a"}`, 200, `{"data":{"id":"a",` + body + `}`},
		{"GET", "/api/v1/widgets/x", "", 200, `{"data":{"id":"x",` + body + `}`},
		{"POST", "/api/v1/widgets/x/archive", "", 200, `{"data":{"id":"w",` + body + `}`},
		{"DELETE", "/api/v1/widgets/x", "", 200, `{"data":{"id":"w",` + body + `}`},
		{"GET", "/api/v1/widgets", "", 200, `{"data":[],"pagination":{"next":null,"prev":null}}`},
		{"GET", "/api/v1/bare", "", 200, `{"data":[1],"next":"g.1"}`},
		{"GET", "/api/v1/widgets/x/check", "", 200, `{"data":{"isGranted":true}}`},
		{"GET", "/livez", "", 200, `{"data":{"status":"live"}}`},
		{"GET", "/readyz", "", 200, `{"data":{"status":"ready"}}`},
	} {
		w := s.do(tc.method, tc.target, tc.body)
		if got := strings.TrimSpace(w.Body.String()); w.Code != tc.status || got != tc.want {
			t.Errorf("%s %s:\n got %d %s\nwant %d %s", tc.method, tc.target, w.Code, got, tc.status, tc.want)
		}
		if ct := w.Header().Get("Content-Type"); ct != "application/json" {
			t.Errorf("%s %s: Content-Type %q", tc.method, tc.target, ct)
		}
	}
	if got := s.do("POST", "/api/v1/widgets", `{"id":"a"}`).Header().Get("ETag"); got != `"1"` {
		t.Errorf("ETag %q", got)
	}
	w := s.do("GET", "/api/v1/widgets?includeArchived=true", "")
	if want := `"pagination":{"next":"b","prev":null}`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("no %s in %s", want, w.Body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	for _, tc := range []struct {
		name, method, target, key string
		status                    int
		want                      string
	}{
		{"no key", "GET", "/api/v1/widgets/x", "", 401, "Unauthenticated"},
		{"unknown key", "GET", "/api/v1/widgets/x", "server-2", 401, "Unauthenticated"},
		{"key before body", "POST", "/api/v1/widgets", "", 401, "Unauthenticated"},
		{"client writes", "POST", "/api/v1/widgets", "client-1", 403, "IdentityForbidden"},
		{"client checks in production", "GET", "/api/v1/widgets/x/check", "client-prod", 403, "IdentityForbidden"},
		{"client checks elsewhere", "GET", "/api/v1/widgets/x/check", "client-1", 200, ""},
		{"raw route's error", "GET", "/api/v1/widgets/missing/check", "server-1", 404, "TaskNotFound"},
		{"raw route without key", "GET", "/api/v1/widgets/x/check", "", 401, "Unauthenticated"},
		{"unknown route", "GET", "/api/v1/nothing", "", 404, "RouteNotFound"},
		{"root", "GET", "/", "", 404, "RouteNotFound"},
		{"unclean path", "GET", "/api/v1//widgets", "", 404, "RouteNotFound"},
		{"dots", "GET", "/api/v1/../widgets", "", 404, "RouteNotFound"},
		{"trailing slash", "GET", "/api/v1/widgets/", "", 404, "RouteNotFound"},
		{"method", "PATCH", "/api/v1/widgets", "", 405, "RouteNotFound"},
		{"internal", "GET", "/api/v1/widgets/secret", "server-1", 500, "UnexpectedError"},
		{"panic", "GET", "/api/v1/widgets/panic", "server-1", 500, "UnexpectedError"},
	} {
		w := s.do(tc.method, tc.target, "", "X-API-KEY", tc.key)
		if w.Code != tc.status {
			t.Errorf("%s: %d %s, want %d", tc.name, w.Code, w.Body, tc.status)
		}
		if tc.want != "" {
			if got := problemOf(t, w); got != tc.want {
				t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
			}
		}
		if strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), "boom") {
			t.Errorf("%s tells too much: %s", tc.name, w.Body)
		}
	}
	if got := s.do("PUT", "/api/v1/widgets", "").Header().Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow: %q", got)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	s := newSample(t, func(c *Config) { c.Timeout = time.Millisecond })
	w := s.do("GET", "/api/v1/widgets/slow", "")
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	s := newSample(t, func(c *Config) {
		c.Ready = func(context.Context) error { return errors.New("no database at 10.0.0.1") }
	})
	w := s.do("GET", "/readyz", "")
	if got := problemOf(t, w); w.Code != 503 || got != "ServiceUnavailable" || strings.Contains(w.Body.String(), "10.0.0.1") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	local := newSample(t, func(c *Config) { c.Loopback = true })
	open := newSample(t)
	for host, ok := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST:1": true, "127.0.0.1": true, "127.0.0.1:8080": true, "[::1]": true, "[::1]:8080": true,
		"127.0.0.2": true, "127.0.0.2:8080": true, "[::ffff:127.0.0.1]:80": true, "10.0.0.1:80": false, "[::2]": false, "0.0.0.0:80": false, ":80": false,
		"evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.evil.example:80": false, "": false, "::1": false,
	} {
		for _, s := range []*sample{local, open} {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/livez", http.NoBody)
			r.Host = host
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, r)
			switch {
			case ok || s == open:
				if w.Code != 200 {
					t.Errorf("%q: %d", host, w.Code)
				}
			case w.Code != 403 || problemOf(t, w) != "IdentityForbidden":
				t.Errorf("%q: %d %s", host, w.Code, w.Body)
			}
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	seen := map[string]bool{}
	for _, sent := range []string{"", "", "abc-1_2.3", "with space", "ü", strings.Repeat("x", 65), "a\"b"} {
		got := s.do("GET", "/livez", "", "X-Request-Id", sent).Header().Get("X-Request-Id")
		if sent == "abc-1_2.3" {
			if got != sent {
				t.Errorf("%q became %q", sent, got)
			}
			continue
		}
		if got == sent || !saneID(got) || seen[got] {
			t.Errorf("%q became %q", sent, got)
		}
		seen[got] = true
	}
}

type observed struct {
	route  string
	status int
	d      time.Duration
}

type metrics struct{ seen []observed }

func (m *metrics) Observe(route string, status int, d time.Duration) {
	m.seen = append(m.seen, observed{route, status, d})
}

func TestLogAndMetrics(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	m := &metrics{}
	s := newSample(t, func(c *Config) {
		c.Log, c.Metrics = slog.New(slog.NewJSONHandler(&buf, nil)), m
	})
	s.do("GET", "/api/v1/widgets/jane@example.com?email=jane", "", "X-Request-Id", "r1")
	s.do("POST", "/api/v1/widgets", `{"id":"jane"}`, "X-Request-Id", "r2")
	s.do("GET", "/api/v1/widgets/secret?email=jane", "", "X-Request-Id", "r3")
	s.do("GET", "/jane", "", "X-Request-Id", "r4")
	s.do("JANE", "/api/v1/widgets/x", "", "X-Request-Id", "r5")
	want := []observed{
		{"GET /api/v1/widgets/{id}", 200, 0}, {"POST /api/v1/widgets", 201, 0}, {"GET /api/v1/widgets/{id}", 500, 0}, {"none", 404, 0}, {"none", 405, 0},
	}
	if d := cmp.Diff(want, m.seen, cmp.AllowUnexported(observed{})); d != "" {
		t.Errorf("metrics (-want +got):\n%s", d)
	}
	var lines []string
	for line := range strings.Lines(buf.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, name := range []string{"level", "method", "route", "request_id", "environment", "code", "error"} {
			if v, ok := l[name].(string); ok {
				got = append(got, v)
			}
		}
		lines = append(lines, strings.Join(got, " "))
	}
	wantLines := []string{
		"INFO POST POST /api/v1/widgets r2 development",
		"ERROR GET GET /api/v1/widgets/{id} r3 development UnexpectedError password=hunter2",
		"INFO GET none r4  RouteNotFound",
		"INFO OTHER none r5  RouteNotFound",
	}
	if d := cmp.Diff(wantLines, lines); d != "" {
		t.Errorf("log (-want +got):\n%s", d)
	}
	if strings.Contains(buf.String(), "jane") {
		t.Errorf("the log names a customer:\n%s", &buf)
	}
}

func TestCallerWhoLeft(t *testing.T) {
	t.Parallel()
	m := &metrics{}
	s := newSample(t, func(c *Config) { c.Metrics = m })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/widgets/gone", http.NoBody)
	r.Header.Set("X-Api-Key", "server-1")
	s.api.ServeHTTP(httptest.NewRecorder(), r)
	if m.seen[0].status != statusGone {
		t.Errorf("status %d, want %d", m.seen[0].status, statusGone)
	}
}

func TestBrokenAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // a panic's value
			t.Errorf("panicked with %v", p)
		}
	}()
	s.do("GET", "/api/v1/widgets/half/check", "")
}

func TestActorAndIdentity(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	s.do("PATCH", "/api/v1/widgets/x", `{}`)
	if got, want := event.ActorFrom(s.ctx), (event.Actor{Type: "API_KEY", ID: "k1"}); got != want {
		t.Errorf("actor %+v, want %+v", got, want)
	}
}

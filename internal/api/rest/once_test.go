package rest

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/base/tx"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	send := func(key, target, body string) *httptest.ResponseRecorder {
		return s.do("POST", target, body, "Idempotency-Key", key)
	}
	first := send("k1", "/api/v1/widgets", `{"id":"a","count":2,"extra":1}`)
	again := send("k1", "/api/v1/widgets", `{ "count":2, "id":"a" }`)
	if first.Code != 201 || again.Code != 201 || first.Body.String() != again.Body.String() || s.calls != 1 {
		t.Errorf("first %d %s, again %d %s, %d calls", first.Code, first.Body, again.Code, again.Body, s.calls)
	}
	if first.Header().Get(replayedHeader) != "" || again.Header().Get(replayedHeader) != "true" {
		t.Errorf("replayed: %q, %q", first.Header().Get(replayedHeader), again.Header().Get(replayedHeader))
	}
	if got := tx.OnceFrom(s.ctx); got.Customer != "a" || got.Route != "POST /api/v1/widgets" || got.Key != "k1" {
		t.Errorf("once %+v", got)
	}
	for _, other := range []string{`{"id":"a","count":3}`, `{"id":"a"}`} {
		if w := send("k1", "/api/v1/widgets", other); problemOf(t, w) != "IdempotencyKeyReused" || w.Header().Get("x-should-retry") != "false" {
			t.Errorf("%s: %d %s", other, w.Code, w.Body)
		}
	}
	if w := send("k1", "/api/v1/widgets?dryRun=true", `{"id":"a","count":2}`); w.Code != 409 {
		t.Errorf("other query: %d", w.Code)
	}
	if w := send("k1", "/api/v1/widgets?unknown=1", `{"id":"a","count":2}`); w.Header().Get(replayedHeader) != "true" {
		t.Errorf("ignored query: %d %s", w.Code, w.Body)
	}
}

func TestRefusalsAreStoredUnlessTheyPass(t *testing.T) {
	t.Parallel()
	for id, stored := range map[string]bool{"used": true, "busy": false, "broken": false} {
		s := newSample(t)
		body := `{"id":"` + id + `"}`
		first := s.do("POST", "/api/v1/widgets", body, "Idempotency-Key", "k")
		again := s.do("POST", "/api/v1/widgets", body, "Idempotency-Key", "k")
		replayed := again.Header().Get(replayedHeader) == "true"
		if replayed != stored || first.Code != again.Code {
			t.Errorf("%s: first %d, again %d, replayed %t", id, first.Code, again.Code, replayed)
		}
		if stored && (again.Body.String() != first.Body.String() || again.Header().Get("X-Should-Retry") != "false") {
			t.Errorf("%s: first %s, again %s %v", id, first.Body, again.Body, again.Header())
		}
	}
}

func TestBadIdempotencyKeys(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	for key, status := range map[string]int{
		strings.Repeat("k", 255): 201, "a b~": 200, strings.Repeat("k", 256): 400, "schlüssel": 400, "a\tb": 400,
	} {
		if w := s.do("POST", "/api/v1/widgets", `{"id":"a"}`, "Idempotency-Key", key); w.Code/100 != status/100 {
			t.Errorf("%q: %d %s", key, w.Code, w.Body)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/widgets", strings.NewReader(`{"id":"a"}`))
	r.Header = map[string][]string{"X-Api-Key": {"server-1"}, "Content-Type": {"application/json"}, "Idempotency-Key": {"a", "b"}}
	w := httptest.NewRecorder()
	if s.api.ServeHTTP(w, r); w.Code != 400 {
		t.Errorf("two keys: %d", w.Code)
	}
	if s.do("PATCH", "/api/v1/widgets/x", `{}`, "Idempotency-Key", "k"); tx.OnceFrom(s.ctx) != nil {
		t.Error("a PATCH has an idempotency key")
	}
}

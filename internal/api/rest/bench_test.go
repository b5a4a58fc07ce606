package rest

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/tenant"
)

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

func BenchmarkRaw(b *testing.B) {
	s := newSample(b, func(c *Config) { c.Now = func(tenant.ID) time.Time { return (clock.System{}).Now() } })
	r := httptest.NewRequestWithContext(b.Context(), "GET", "/api/v1/widgets/x/check?featureId=f", http.NoBody)
	r.Header.Set("X-Api-Key", "server-1")
	b.ReportAllocs()
	for b.Loop() {
		s.api.ServeHTTP(&discard{http.Header{}}, r)
	}
}

func BenchmarkHello(b *testing.B) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/widgets/{id}/check", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = jsonType
		_, _ = w.Write([]byte(`{"data":{"isGranted":true}}`))
	})
	r := httptest.NewRequestWithContext(b.Context(), "GET", "/api/v1/widgets/x/check?featureId=f", http.NoBody)
	b.ReportAllocs()
	for b.Loop() {
		mux.ServeHTTP(&discard{http.Header{}}, r)
	}
}

func BenchmarkPost(b *testing.B) {
	s := newSample(b)
	b.ReportAllocs()
	for b.Loop() {
		s.do("POST", "/api/v1/widgets", `{"id":"a","params":{"planId":"plan-basic"},"labels":{"a":"b"}}`)
	}
}

package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/app"
)

func fetch(t *testing.T, url, host string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestMetrics(t *testing.T) {
	each(t, func(t *testing.T, cfg app.Config) {
		cfg.AdminListen = "127.0.0.1:0"
		r := run(t, cfg)
		c := app.Client{URL: r.url, Key: secrets(r.App)["development SERVER"]}
		if _, err := c.Do(t.Context(), http.MethodPost, "/api/v1/customers", map[string]string{"id": "customer-secret"}); err != nil {
			t.Fatal(err)
		}
		status, body := fetch(t, r.admin+"/metrics", "localhost")
		if status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		want := []string{
			`purser_http_request_duration_seconds_count{route="POST /api/v1/customers",status="201"} 1`,
			"purser_feed_lag_events", "purser_timers_due 0", "purser_cache_sets", "go_goroutines",
			"purser_sqlite_group_size_count", "purser_postgres_retries_total", "purser_postgres_round_trips_total",
		}
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("metrics lack %s", w)
			}
		}
		if strings.Contains(body, "customer-secret") {
			t.Error("metrics name a customer")
		}
		if cfg.Postgres() == strings.Contains(body, "purser_postgres_round_trips_total 0\n") {
			t.Error("round trips are not counted for the engine")
		}
	})
}

func TestAdminAnswersToLocalNames(t *testing.T) {
	t.Parallel()
	cfg := sqlite(t)
	cfg.AdminListen = "127.0.0.1:0"
	r := run(t, cfg)
	for host, want := range map[string]int{"localhost": 200, "127.0.0.1:1": 200, "127.0.0.2": 200, "[::1]": 200, "[::1]:1": 200, "purser.example": 403} {
		if status, _ := fetch(t, r.admin+"/debug/pprof/cmdline", host); status != want {
			t.Errorf("host %s: %d, want %d", host, status, want)
		}
	}
	if status, _ := fetch(t, r.admin+"/api/v1/customers", "localhost"); status != http.StatusNotFound {
		t.Errorf("the API on the admin listener: %d", status)
	}
}

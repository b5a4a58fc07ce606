package main

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/bench/client"
	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/store/storetest"
)

// TestRawUsageWritesTheSameRows is TestRawWritesTheSameRows for a call with many reports and one with many events.
func TestRawUsageWritesTheSameRows(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var places [2]place
			var before [2]map[string]content
			for i := range places {
				places[i] = seeded(t, engine)
				if err := copyCustomers(t.Context(), places[i], "plan-basic", 4*reportsAtOnce); err != nil {
					t.Fatal(err)
				}
				before[i] = contents(t, places[i])
			}
			useOurs(t, places[0])
			useRaw(t, places[1])
			ours, raw := grown(before[0], contents(t, places[0])), grown(before[1], contents(t, places[1]))
			for _, table := range []string{"usage_measurements", "usage_counters", "usage_events", "events"} {
				if d := cmp.Diff(ours[table].Filled, raw[table].Filled); d != "" || ours[table].Bytes == 0 {
					t.Errorf("%s: values by column (-Purser +raw):\n%s", table, d)
				}
			}
		})
	}
}

func useOurs(t *testing.T, p place) {
	t.Helper()
	a, err := app.New(t.Context(), app.Config{
		Place: app.Place{Data: p.Data, Database: p.DSN}, Logging: app.Logging{LogLevel: "error"}, Listen: "127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a.Handler())
	c, err := client.Dial(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][]byte{reportsRequests(&child{URL: s.URL})(1), eventsRequests(&child{URL: s.URL})(1)} {
		if err := c.Do(r, ""); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close()
	s.Close()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

func useRaw(t *testing.T, p place) {
	t.Helper()
	type raw interface {
		reports(ctx context.Context) error
		events(ctx context.Context) error
		close() error
	}
	var r raw
	var err error
	if p.DSN == "" {
		r, err = openRawSQLite(t.Context(), p)
	} else {
		r, err = openRawPostgres(t.Context(), p)
	}
	if err == nil {
		err = joined(r.reports(t.Context()), func() error { return r.events(t.Context()) }, r.close)
	}
	if err != nil {
		t.Fatal(err)
	}
}

package entitlement

import (
	"context"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// fixed is a prospect that stays the same, whenever one looks.
type fixed struct {
	Store
	catalog *catalog.Snapshot
	holder  Holder
}

func (f fixed) Catalog(context.Context, tenant.ID) (*catalog.Snapshot, error) { return f.catalog, nil }

func (f fixed) Counters(context.Context, tenant.ID, string, string) ([]meter.Counter, error) {
	return nil, nil
}

func (f fixed) Foresee(_ context.Context, _ tenant.ID, s Sight, read func(Store, Prospect) error) error {
	return read(f, Prospect{At: s.At, Holder: f.holder})
}

type manual struct{ *clock.Manual }

func (m manual) Now(tenant.ID) time.Time { return m.Manual.Now() }

func TestPromotionsEndAhead(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	begin, end, limit := start.AddDate(0, 0, 7), start.AddDate(0, 0, 14), int64(50)
	f := fixed{
		catalog: catalog.NewSnapshot(1, nil, []catalog.Feature{{ID: "1", RefID: "seats", Type: catalog.Number, MeterType: catalog.Fluctuating}}, nil),
		holder: Holder{ID: "1", Known: true, Promotions: []Promotion{{
			FeatureRef: "seats", Gives: catalog.Entitlement{Granted: true, UsageLimit: &limit}, StartDate: begin, EndDate: &end,
		}}},
	}
	s := NewService(nil, nil, manual{clock.At(start)}, nil, NewCache(10)).WithForesight(f)
	for _, tc := range []struct {
		at    time.Time
		want  rules.Reason
		until time.Time
	}{
		{start, rules.NoActiveSubscription, time.Time{}},
		{begin.Add(-time.Millisecond), rules.NoActiveSubscription, time.Time{}},
		{begin, "", end},
		{end.Add(-time.Millisecond), "", end},
		{end, rules.NoActiveSubscription, time.Time{}},
	} {
		a, err := s.CheckAt(t.Context(), 1, Query{Customer: "ada", Feature: "seats", Ask: rules.Ask{RequestedUsage: 50}, At: tc.at})
		if err != nil || a.Reason != tc.want || tc.want == "" && !a.ValidUntil().Equal(tc.until) {
			t.Errorf("at %s: %q until %s, %v; want %q until %s", tc.at, a.Reason, a.ValidUntil(), err, tc.want, tc.until)
		}
	}
	if n := s.cache.Len(); n != 0 {
		t.Errorf("%d sets were cached", n)
	}
}

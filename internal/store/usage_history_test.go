package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/usage"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// Measurements are read per counter, the oldest first, from the window's start to before its end.
func TestEachMeasurement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		f := oneFeature(t, s)
		ids := map[string]string{}
		for _, ref := range []string{"c1", "c2"} {
			c, err := s.Provision(s.ctx, env, provisioning.Request{New: customer.New{ID: ref}})
			if err != nil {
				t.Fatal(err)
			}
			ids[ref] = c.Customer.ID
		}
		err := db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
			for i, m := range []struct {
				ref, resource string
				at, delta     int64
				d             meter.Dimensions
			}{
				{"c1", "", 30, 3, nil},
				{"c1", "", 10, 1, meter.Dimensions{"a": meter.String("x"), "b": meter.Bool(true)}},
				{"c1", "", 20, -2, meter.Dimensions{}},
				{"c1", "", 9, 100, nil},
				{"c1", "", 40, 100, nil},
				{"c1", "r", 20, 7, nil},
				{"c2", "", 20, 100, nil},
			} {
				st.InsertMeasurement(env, usage.Measurement{
					ID: fmt.Sprint(i), Counter: meter.Key{CustomerID: ids[m.ref], Resource: m.resource, FeatureID: f}, At: m.at, Behavior: usage.Delta,
					Value: m.delta, Delta: m.delta, Dimensions: m.d,
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			w      usage.Wanted
			window rules.Span
			want   []string
		}{
			{usage.Wanted{CustomerRef: "c1", FeatureID: f}, rules.Span{Start: 10, End: 40}, []string{"10 1 x true", "20 -2  ", "30 3  "}},
			{usage.Wanted{CustomerRef: "c1", FeatureID: f}, rules.Forever, []string{"9 100  ", "10 1 x true", "20 -2  ", "30 3  ", "40 100  "}},
			{usage.Wanted{CustomerRef: "c1", FeatureID: f, Resource: "r"}, rules.Forever, []string{"20 7  "}},
			{usage.Wanted{CustomerRef: "c1", FeatureID: "other"}, rules.Forever, nil},
			{usage.Wanted{CustomerRef: "c3", FeatureID: f}, rules.Forever, nil},
		} {
			var got []string
			err := db.Read(s.ctx, env, func(st *store.Tx, _ time.Time) error {
				return st.EachMeasurement(s.ctx, env, tc.w, tc.window, func(at, delta int64, d meter.Dimensions) {
					got = append(got, fmt.Sprintf("%d %d %s %s", at, delta, d["a"].Text(), d["b"].Text()))
				})
			})
			if d := cmp.Diff(tc.want, got); d != "" || err != nil {
				t.Errorf("%v in %v: %v (-want +got):\n%s", tc.w, tc.window, err, d)
			}
		}
	})
}

func oneFeature(t *testing.T, s shop) string {
	t.Helper()
	features := catalog.NewFeatures(store.As(s.db, func(t *store.Tx) catalog.Store { return t }))
	f, err := features.Create(s.ctx, env, catalog.NewFeature{ID: "calls", DisplayName: "Calls", Type: catalog.Number, MeterType: catalog.Incremental})
	if err != nil {
		t.Fatal(err)
	}
	return f.ID
}

// The history of a feature with a meter is made of the customer's events, in whatever order they came.
func TestHistoryOfStoredEvents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		const day = int64(24 * time.Hour / time.Microsecond)
		err := db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
			for i, e := range []struct {
				ref, resource, d string
				at               int64
			}{
				{"c1", "", `{"n":5,"region":"eu"}`, 3 * day},
				{"c1", "r", `{"n":1.5,"region":"us"}`, day},
				{"c1", "", `{"n":2}`, 2 * day},
				{"c1", "", `{"n":100}`, 10 * day},
				{"c2", "", `{"n":100}`, day},
			} {
				st.Exec(`insert into usage_events (environment, customer, resource, name, at, dimensions, idempotency_key, recorded_at)
					values ($1, $2, $3, 'call', $4, $5, $6, 0)`, env, e.ref, e.resource, e.at, e.d, fmt.Sprint(i))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		m := meter.Compile(catalog.Meter{Aggregation: catalog.Aggregation{Function: "SUM", Field: "n"}})
		within := usage.Range{Span: rules.Span{Start: 2 * day, End: 10 * day}, Bucket: rules.Reset{Unit: rules.Day}}
		for _, tc := range []struct {
			resource, groupBy string
			want              []usage.Series
		}{
			{"", "", []usage.Series{{Points: []usage.Point{{At: 2 * day, Value: 35}, {At: 3 * day, Value: 85}}}}},
			{"", "region", []usage.Series{{Points: []usage.Point{{At: 2 * day, Value: 20}}}, {Tag: "eu", Points: []usage.Point{{At: 3 * day, Value: 50}}}}},
			{"r", "", []usage.Series{{}}},
		} {
			f := usage.NewFold(usage.NewPeriods(rules.Reset{}, rules.Origin{}, nil), within, &rules.Row{Scale: 1}, m, tc.groupBy)
			err := db.Read(s.ctx, env, func(st *store.Tx, _ time.Time) error {
				return st.EachEventInOrder(s.ctx, env, "c1", tc.resource, f.Span(), f.Event)
			})
			if d := cmp.Diff(tc.want, f.History().Series); d != "" || err != nil {
				t.Errorf("%q by %q: %v (-want +got):\n%s", tc.resource, tc.groupBy, err, d)
			}
		}
	})
}

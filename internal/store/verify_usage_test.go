package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/usage"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// busyUsage is a customer with a counter of each kind: what was measured in a window, what was SET for the past, what a
// meter counts, and its distinct values.
func busyUsage(t *testing.T, db *store.DB) shop {
	t.Helper()
	s := openShop(t, db)
	must(t)(s.Provision(s.ctx, env, ask("c1", "plan-basic")))
	must(t)(s.Provision(s.ctx, env, ask("c2", "plan-basic")))
	features := catalog.NewFeatures(store.As(db, func(t *store.Tx) catalog.Store { return t }))
	ids := map[string]catalog.Feature{}
	for _, f := range []struct {
		catalog.NewFeature
		meter *catalog.Meter
	}{
		{catalog.NewFeature{ID: "calls", MeterType: catalog.Incremental}, nil},
		{catalog.NewFeature{ID: "seats", MeterType: catalog.Fluctuating}, nil},
		{catalog.NewFeature{ID: "builds", MeterType: catalog.Incremental}, &catalog.Meter{Aggregation: catalog.Aggregation{Function: "COUNT"}}},
		{catalog.NewFeature{ID: "users", MeterType: catalog.Incremental}, &catalog.Meter{Aggregation: catalog.Aggregation{Function: "UNIQUE", Field: "user"}}},
	} {
		f.DisplayName, f.Type = f.ID, catalog.Number
		made, err := features.Create(s.ctx, env, f.NewFeature)
		if err == nil && f.meter != nil {
			made, err = features.Update(s.ctx, env, f.ID, catalog.FeatureUpdate{Meter: opt.Some(*f.meter)})
		}
		if err != nil {
			t.Fatal(err)
		}
		ids[f.ID] = made
	}
	window := rules.Span{Start: 1000, End: 2000}
	err := db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
		want := map[string]usage.Wanted{}
		var list []usage.Wanted
		for _, w := range []usage.Wanted{
			{CustomerRef: "c1", FeatureID: "calls"},
			{CustomerRef: "c1", FeatureID: "calls", Resource: "r1"},
			{CustomerRef: "c1", FeatureID: "seats"},
			{CustomerRef: "c1", FeatureID: "builds"},
			{CustomerRef: "c1", FeatureID: "users"},
			{CustomerRef: "c1", FeatureID: "builds", Resource: "r1"},
			{CustomerRef: "c2", FeatureID: "calls"}, // asked for, and never used
		} {
			name := w.CustomerRef + w.FeatureID + w.Resource
			w.FeatureID = ids[w.FeatureID].ID
			want[name], list = w, append(list, w)
		}
		st.MakeCounters(env, list)
		held, err := st.LockCounters(s.ctx, env, list)
		if err != nil {
			return err
		}
		save := func(name string, w rules.Span, value, last int64) {
			c := held[want[name]].Counter
			c.Window, c.Value, c.Last, c.Version = w, value, last, 1
			for _, f := range ids {
				if f.ID == c.FeatureID {
					c.MeterVersion = f.MeterVersion
				}
			}
			st.SaveCounter(env, c)
		}
		n := 0
		measure := func(name string, w rules.Span, at int64, behavior string, value, delta int64, key string) {
			n++
			st.InsertMeasurement(env, usage.Measurement{
				ID: fmt.Sprint("m", n), Counter: held[want[name]].Counter.Key, At: at, Behavior: behavior, Value: value, Delta: delta, Key: key,
				Reported: held[want[name]].Counter.Resource, Window: w, RecordedAt: 5000 + max(at, 1600)*int64(len(key)),
			})
		}
		measure("c1calls", window, 500, usage.Delta, 100, 100, "before")
		measure("c1calls", window, 1000, usage.Delta, 3, 3, "k1")
		measure("c1calls", window, 1999, usage.Delta, 4, 4, "k2")
		measure("c1calls", window, 2000, usage.Delta, 100, 100, "after")
		save("c1calls", window, 7, 2000)
		measure("c1callsr1", window, 1500, usage.Delta, 2, 2, "k1")
		save("c1callsr1", window, 2, 1500)
		measure("c1seats", rules.Forever, 1000, usage.Delta, 1, 1, "")
		measure("c1seats", rules.Forever, 1600, usage.Set, 5, 4, "")
		measure("c1seats", rules.Forever, 1200, usage.Set, 3, 2, "")
		measure("c1seats", rules.Forever, 1600, usage.Correction, 3, -2, "")
		save("c1seats", rules.Forever, 5, 1600)
		save("c1builds", window, 4, 1900)
		save("c1buildsr1", window, 1, 1900)
		save("c1users", window, 2, 1900)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
		for i, e := range []struct {
			resource, user string
			at             int64
		}{{"", "ann", 999}, {"", "ann", 1000}, {"", "bob", 1100}, {"r1", "ann", 1900}, {"", "", 1200}, {"", "zoe", 2000}} {
			dimensions := meter.Dimensions{}
			if e.user != "" {
				dimensions["user"] = meter.String(e.user)
			}
			text, err := json.Marshal(dimensions)
			if err != nil {
				return err
			}
			st.Exec(`insert into usage_events (environment, customer, resource, name, at, dimensions, idempotency_key, recorded_at)
				values ($1, 'c1', $2, 'did', $3, $4, $5, 0)`, env, e.resource, e.at, string(text), fmt.Sprint(i))
		}
		for _, value := range []string{"ann", "bob"} {
			st.Exec(`insert into usage_values (environment, customer_id, feature_id, resource, value)
				select k.environment, k.customer_id, k.feature_id, k.resource, $2 from usage_counters k
				join features f on f.environment = k.environment and f.id = k.feature_id where k.environment = $1 and f.ref_id = 'users'`, env, value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	callsID = `(select id from features where environment = 1 and ref_id = 'calls')`
	seatsID = `(select id from features where environment = 1 and ref_id = 'seats')`
)

// usageDamages are like damages.
var usageDamages = []struct {
	name, sql string
	want      []string
}{
	{
		"a counter that is ahead", `update usage_counters set value = 8 where feature_id = ` + callsID + ` and resource = '' and version > 0`,
		[]string{"usage_counter customer c1: Its counter of calls is at 8, its measurements add up to 7."},
	},
	{
		"a measurement that is gone", `delete from usage_measurements where resource = 'r1'`,
		[]string{"usage_counter customer c1: Its counter of calls of the resource r1 is at 2, its measurements add up to 0."},
	},
	{
		"a measurement that moved out of the window", `update usage_measurements set at = 2000 where idempotency_key = 'k2'`,
		[]string{"usage_counter customer c1: Its counter of calls is at 7, its measurements add up to 3."},
	},
	{"one that moved within it", `update usage_measurements set at = 1001 where idempotency_key = 'k2'`, nil},
	{
		"a counter of another window", `update usage_counters set window_start = 400 where feature_id = ` + callsID + ` and resource = '' and version > 0`,
		[]string{"usage_counter customer c1: Its counter of calls is at 7, its measurements add up to 107."},
	},
	{
		"a counter of another meter", `update usage_counters set meter_version = 7, value = 99 where feature_id = ` + callsID + ` and resource = 'r1'`,
		nil, // nobody uses it
	},
	{
		"an older newest measurement", `update usage_counters set last_at = 1999 where feature_id = ` + callsID + ` and last_at = 2000`,
		[]string{"usage_counter customer c1: Its counter of calls has not seen its newest measurement."},
	},
	{
		"a measurement without a counter", `delete from usage_counters where feature_id = ` + callsID + ` and resource = 'r1'`,
		[]string{"usage_measurement customer c1: It has measurements of calls of the resource r1, and no counter that has seen them."},
	},
	{
		"a measurement whose counter nobody has changed", `update usage_counters set version = 0, value = 0 where feature_id = ` + seatsID,
		[]string{"usage_measurement customer c1: It has measurements of seats, and no counter that has seen them."},
	},
	{
		"a key that has counted twice",
		`drop index usage_measurements_once; update usage_measurements set idempotency_key = 'k1' where idempotency_key = 'k2'`,
		[]string{"usage_measurement customer c1: A key has counted more than once for calls."},
	},
	{
		"a correction of nothing", `update usage_measurements set value = 4 where behavior = 'CORRECTION'`,
		[]string{"usage_measurement customer c1: A correction of seats takes out what no SET has changed."},
	},
	{
		"a correction that is not as large", `update usage_measurements set delta = -1 where behavior = 'CORRECTION'`,
		[]string{
			"usage_counter customer c1: Its counter of seats is at 5, its measurements add up to 6.",
			"usage_measurement customer c1: A correction of seats takes out what no SET has changed.",
		},
	},
	{
		"a correction twice", `insert into usage_measurements (environment, id, customer_id, resource, feature_id, at, behavior, value, delta, total,
				reported_resource, window_start, window_end, recorded_at)
			select environment, 'again', customer_id, resource, feature_id, at, behavior, value, delta, total, reported_resource, window_start,
				window_end, recorded_at from usage_measurements where behavior = 'CORRECTION'`,
		[]string{
			"usage_counter customer c1: Its counter of seats is at 5, its measurements add up to 3.",
			"usage_measurement customer c1: A correction of seats takes out what no SET has changed.",
		},
	},
	{
		"a correction at another time", `update usage_measurements set at = 1500 where behavior = 'CORRECTION'`,
		[]string{"usage_measurement customer c1: A correction of seats stands where nothing was SET."},
	},
	{
		"an event that nobody counted", `insert into usage_events (environment, customer, resource, name, at, idempotency_key, recorded_at)
			values (1, 'c1', 'r2', 'did', 1950, 'x', 0)`,
		[]string{
			"usage_counter customer c1: Its counter of builds is at 4, its events come to 5.",
			"usage_counter customer c1: Its counter of users has not seen its newest event.",
		},
	},
	{
		"an event that is gone", `delete from usage_events where resource = 'r1'`,
		[]string{
			"usage_counter customer c1: Its counter of builds is at 4, its events come to 3.",
			"usage_counter customer c1: Its counter of builds of the resource r1 is at 1, its events come to 0.",
		},
	},
	{
		"a value that was forgotten", `delete from usage_values where value = 'bob'`,
		[]string{"usage_counter customer c1: Its counter of users remembers 1 values that are not those of its events, which have 2."},
	},
	{
		"another value", `update usage_values set value = 'bart' where value = 'bob'`,
		[]string{"usage_counter customer c1: Its counter of users remembers 2 values that are not those of its events, which have 2."},
	},
	{
		"events counted by another meter", `update features set meter_version = 9 where ref_id in ('users', 'builds'); delete from usage_events`,
		nil,
	},
}

func TestVerifyFindsDamagedUsage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := busyUsage(t, db)
		r := verify(t, db)
		if diff := cmp.Diff([]provisioning.Finding{}, r.Findings); diff != "" {
			t.Errorf("before: findings (-want +got):\n%s", diff)
		}
		if c := r.Checked; c.Counters != 7 || c.Measurements != 9 || c.UsageEvents != 6 {
			t.Errorf("checked %+v", c)
		}
		for _, d := range usageDamages {
			got := s.damage(t, d.name, d.sql)
			if !sameFindings(got.Findings, d.want) {
				t.Errorf("%s: found\n%s\nwant\n%s", d.name, strings.Join(lines(got.Findings), "\n"), strings.Join(d.want, "\n"))
			}
		}
		if r, err := db.Verify(s.ctx, 2); err != nil || !r.OK || r.Checked.Counters != 0 {
			t.Errorf("production: %+v, %v", r, err)
		}
	})
}

// More counters than a page has, and more damage than a report lists.
func TestVerifyManyCounters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := busyUsage(t, db)
		const copies = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 1010)
			insert into usage_counters (environment, customer_id, resource, feature_id, window_start, window_end, meter_version, value, last_at, version, updated_at)
			select k.environment, k.customer_id, 'x' || cast(n.i as text), k.feature_id, k.window_start, k.window_end, k.meter_version, VALUE, 0, 1, 0
			from n, usage_counters k join features f on f.environment = k.environment and f.id = k.feature_id
			where f.ref_id = 'FEATURE' and k.resource = '' and k.version > 0`
		for _, tc := range []struct {
			feature, value string
			findings       int
		}{{"builds", "0", 0}, {"builds", "1", provisioning.MaxFindings}, {"calls", "0", 0}, {"calls", "1", provisioning.MaxFindings}} {
			got := s.damage(t, tc.feature, strings.NewReplacer("VALUE", tc.value, "FEATURE", tc.feature).Replace(copies))
			if len(got.Findings) != tc.findings || got.More != (tc.findings > 0) {
				t.Errorf("%s at %s: %d findings, more: %t; want %d", tc.feature, tc.value, len(got.Findings), got.More, tc.findings)
			}
		}
	})
}

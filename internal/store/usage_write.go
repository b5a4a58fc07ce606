package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/usage"
)

func init() {
	lockers[tx.Counter] = func(env tenant.ID, ref string) pgFirst {
		part := strings.SplitN(ref, "\n", 3)
		w := usage.Wanted{FeatureID: part[0], Resource: part[1], CustomerRef: part[2]}
		text, args := lockCounters(postgresDialect{}, env, []usage.Wanted{w})
		return pgFirst{sql: text, args: args, scan: func(t *Tx) func(rows) error {
			key := tx.Lock{Kind: tx.Counter, Ref: ref}
			t.locked[key] = nil
			return func(r rows) error {
				w, l, err := scanLocked(r)
				if err == nil {
					t.locked[key] = map[usage.Wanted]usage.Locked{w: l}
				}
				return err
			}
		}}
	}
}

// lockCounters is the query that holds those of the counters that there are, in one order for everybody.
func lockCounters(d dialect, env tenant.ID, list []usage.Wanted) (text string, args []any) {
	var b strings.Builder
	args = append(args, env)
	b.WriteString(`with w (customer, resource, feature) as (values `)
	for i, w := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(")
		for j := range 3 {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString("cast($" + strconv.Itoa(2+3*i+j) + " as text)")
		}
		b.WriteString(")")
		args = append(args, w.CustomerRef, w.Resource, w.FeatureID)
	}
	// The customers come first: else PostgreSQL may go through all counters of the feature.
	b.WriteString(`), o as materialized (
			select c.id, c.ref_id, w.feature, w.resource from w join customers c on c.environment = $1 and c.ref_id = w.customer)
		select o.ref_id, ` + counterColumns + ` from o
		join usage_counters k on k.environment = $1 and k.customer_id = o.id and k.feature_id = o.feature and k.resource = o.resource
		order by k.customer_id, k.feature_id, k.resource`)
	if hold := d.forUpdate(); hold != "" {
		b.WriteString(hold + " of k")
	}
	return b.String(), args
}

func scanLocked(r rows) (w usage.Wanted, l usage.Locked, err error) {
	c := &l.Counter
	err = r.Scan(&w.CustomerRef, &c.CustomerID, &c.Resource, &c.FeatureID, &c.Window.Start, &c.Window.End, &c.MeterVersion, &c.Value,
		fromJSON{&c.State}, &c.Last, &c.Version)
	l.CustomerID, w.Resource, w.FeatureID = c.CustomerID, c.Resource, c.FeatureID
	return w, l, err
}

// LockCounters implements usage.Store. What travelled with BEGIN is used once.
func (t *Tx) LockCounters(ctx context.Context, env tenant.ID, list []usage.Wanted) (map[usage.Wanted]usage.Locked, error) {
	if len(list) == 1 && env == t.env {
		key := tx.Lock{Kind: tx.Counter, Ref: list[0].Lock()}
		if early, ok := t.locked[key].(map[usage.Wanted]usage.Locked); ok {
			delete(t.locked, key)
			return early, nil
		}
	}
	held := make(map[usage.Wanted]usage.Locked, len(list))
	list = slices.SortedFunc(slices.Values(list), usage.Wanted.Compare)
	for some := range slices.Chunk(list, countersAtOnce) {
		text, args := lockCounters(t.db.dialect(), env, padded(some))
		err := t.each(ctx, func(r rows) error {
			w, l, err := scanLocked(r)
			held[w] = l
			return err
		}, text, args...)
		if err != nil {
			return nil, err
		}
	}
	return held, nil
}

// countersAtOnce bounds the counters of one statement: each has three arguments.
const countersAtOnce = 4096

// padded repeats the last of a list until there are 1, 2, 4, 8…: each number of them is a statement of its own to prepare.
func padded(list []usage.Wanted) []usage.Wanted {
	n := 1
	for n < len(list) {
		n *= 2
	}
	if n == len(list) {
		return list
	}
	out := slices.Grow(slices.Clone(list), n-len(list))
	for len(out) < n {
		out = append(out, list[len(list)-1])
	}
	return out
}

// MakeCounters implements usage.Store. Whoever makes one that another is making waits for it: all take them in one order.
func (t *Tx) MakeCounters(env tenant.ID, list []usage.Wanted) {
	for _, w := range slices.SortedFunc(slices.Values(list), usage.Wanted.Compare) {
		t.exec(`
			insert into usage_counters (environment, customer_id, resource, feature_id, window_start, window_end, meter_version, value,
				last_at, version, updated_at)
			select c.environment, c.id, $3, $4, 0, 0, 0, 0, $5, 0, 0 from customers c where c.environment = $1 and c.ref_id = $2
			on conflict (environment, customer_id, feature_id, resource) do nothing`, env, w.CustomerRef, w.Resource, w.FeatureID, rules.Forever.Start)
	}
}

// SaveCounter implements usage.Store: the row is held.
func (t *Tx) SaveCounter(env tenant.ID, c meter.Counter) {
	var state any
	if c.State.Count != 0 {
		state = asJSON(c.State)
	}
	t.exec(`
		update usage_counters set window_start = $5, window_end = $6, meter_version = $7, value = $8, state = $9, last_at = $10, version = $11,
			updated_at = $12
		where environment = $1 and customer_id = $2 and feature_id = $3 and resource = $4`,
		env, c.CustomerID, c.FeatureID, c.Resource, c.Window.Start, c.Window.End, c.MeterVersion, c.Value, state, c.Last, c.Version,
		t.now.UnixMicro())
}

// InsertMeasurement implements usage.Store. A key that was used before its time was over makes room for its next use.
func (t *Tx) InsertMeasurement(env tenant.ID, m usage.Measurement) {
	t.exec(`
		insert into usage_measurements (environment, id, customer_id, resource, feature_id, at, behavior, value, delta, total, dimensions,
			reported_resource, idempotency_key, content, window_start, window_end, recorded_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		env, m.ID, m.Counter.CustomerID, m.Counter.Resource, m.Counter.FeatureID, m.At, m.Behavior, m.Value, m.Delta, m.Total,
		asJSON(m.Dimensions), m.Reported, nullText(m.Key), nullText(m.Content), m.Window.Start, m.Window.End, m.RecordedAt)
}

// Repeats implements usage.Store. A key whose time is over is forgotten, so that it can be used again.
func (t *Tx) Repeats(ctx context.Context, env tenant.ID, customerID, featureID, resource, key string, since time.Time) (usage.Measurement, bool, error) {
	m := usage.Measurement{Key: key, Reported: resource, Counter: meter.Key{CustomerID: customerID, FeatureID: featureID}}
	err := t.one(ctx, errNoRow, []any{
		&m.ID, &m.Counter.Resource, &m.At, &m.Behavior, &m.Value, &m.Delta, &m.Total, &m.Content, &m.Window.Start, &m.Window.End, &m.RecordedAt,
	}, `
		select id, resource, at, behavior, value, delta, total, content, window_start, window_end, recorded_at from usage_measurements
		where environment = $1 and customer_id = $2 and feature_id = $3 and reported_resource = $4 and idempotency_key = $5`,
		env, customerID, featureID, resource, key)
	switch {
	case errors.Is(err, errNoRow):
		return m, false, nil
	case err != nil:
		return m, false, err
	case m.RecordedAt < since.UnixMicro():
		t.exec(`update usage_measurements set idempotency_key = null where environment = $1 and id = $2`, env, m.ID)
		return m, false, nil
	}
	return m, true, nil
}

// MeasuredUntil implements usage.Store.
func (t *Tx) MeasuredUntil(ctx context.Context, env tenant.ID, k meter.Key, w rules.Span, at int64) (int64, error) {
	total, _, err := t.Measured(ctx, env, k, rules.Span{Start: w.Start, End: at + 1})
	return total, err
}

// NextSet implements usage.Store.
func (t *Tx) NextSet(ctx context.Context, env tenant.ID, k meter.Key, w rules.Span, after int64) (at int64, found bool, err error) {
	err = t.one(ctx, errNoRow, []any{&at}, `
		select at from usage_measurements
		where environment = $1 and customer_id = $2 and feature_id = $3 and resource = $4 and at > $5 and at < $6 and behavior = 'SET'
		order by at limit 1`, env, k.CustomerID, k.FeatureID, k.Resource, after, w.End)
	if errors.Is(err, errNoRow) {
		return 0, false, nil
	}
	return at, err == nil, err
}

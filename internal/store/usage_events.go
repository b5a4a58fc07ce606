package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/usage"
)

const intoEvents = `insert into usage_events (environment, customer, resource, name, at, dimensions, idempotency_key, dedup, recorded_at)`

var insertUsageEvents = newMultiRow(intoEvents, 9, `on conflict (environment, dedup) where dedup is not null do nothing returning dedup`)

// unnestUsageEvents takes columns instead of rows: one statement for any number.
const unnestUsageEvents = intoEvents + `
	select $1, e.* from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[]) e
	on conflict (environment, dedup) where dedup is not null do nothing returning dedup`

// InsertEvents implements usage.Store. Two calls that share events take them in one order.
func (t *Tx) InsertEvents(ctx context.Context, env tenant.ID, list []usage.StoredEvent) ([]bool, error) {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(list[a].Dedup, list[b].Dedup) })
	fresh := make(map[string]bool, len(list))
	took := func(r rows) error {
		dedup, err := scanText(r)
		fresh[dedup] = true
		return err
	}
	var err error
	if t.db.dialect().name() == (postgresDialect{}).name() {
		err = t.unnestEvents(ctx, env, list, order, took)
	} else {
		err = t.eventRows(ctx, env, list, order, took)
	}
	out := make([]bool, len(list))
	for i := range list {
		out[i] = fresh[list[i].Dedup]
		delete(fresh, list[i].Dedup) // the first of equal ones
	}
	return out, err
}

func dimensionsText(d meter.Dimensions) (*string, error) {
	if len(d) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(d)
	s := string(b)
	return &s, err
}

func (t *Tx) unnestEvents(ctx context.Context, env tenant.ID, list []usage.StoredEvent, order []int, took func(rows) error) error {
	n := len(list)
	customers, resources, names, keys, dedups := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	at, recorded, dimensions := make([]int64, n), make([]int64, n), make([]*string, n)
	for i, from := range order {
		e := &list[from]
		customers[i], resources[i], names[i], keys[i], dedups[i], at[i], recorded[i] = e.Customer, e.Resource, e.Name, e.Key, e.Dedup, e.At, e.RecordedAt
		var err error
		if dimensions[i], err = dimensionsText(e.Dimensions); err != nil {
			return err
		}
	}
	return t.each(ctx, took, unnestUsageEvents, env, customers, resources, names, at, dimensions, keys, dedups, recorded)
}

func (t *Tx) eventRows(ctx context.Context, env tenant.ID, list []usage.StoredEvent, order []int, took func(rows) error) error {
	for some := range slices.Chunk(order, rowsAtOnce) {
		args := make([]any, 0, len(some)*insertUsageEvents.columns)
		for _, from := range some {
			e := &list[from]
			dimensions, err := dimensionsText(e.Dimensions)
			if err != nil {
				return err
			}
			args = append(args, env, e.Customer, e.Resource, e.Name, e.At, dimensions, e.Key, e.Dedup, e.RecordedAt)
		}
		if err := t.each(ctx, took, insertUsageEvents.sql(len(some)), args...); err != nil {
			return err
		}
	}
	return nil
}

var insertValues = newMultiRow(`insert into usage_values (environment, customer_id, feature_id, resource, value)`, 5,
	`on conflict (environment, customer_id, feature_id, resource, value) do nothing returning value`)

// AddValues implements usage.Store.
func (t *Tx) AddValues(ctx context.Context, env tenant.ID, k meter.Key, values []string) (added []string, err error) {
	for some := range slices.Chunk(values, rowsAtOnce) {
		list, err := all(ctx, t, scanText, insertValues.sql(len(some)), valueArgs(env, k, some)...)
		if err != nil {
			return nil, err
		}
		added = append(added, list...)
	}
	return added, nil
}

// ReplaceValues implements usage.Store.
func (t *Tx) ReplaceValues(env tenant.ID, k meter.Key, values []string) {
	t.exec(`delete from usage_values where environment = $1 and customer_id = $2 and feature_id = $3 and resource = $4`,
		env, k.CustomerID, k.FeatureID, k.Resource)
	for some := range slices.Chunk(values, rowsAtOnce) {
		t.exec(insertValues.sql(len(some)), valueArgs(env, k, some)...)
	}
}

func valueArgs(env tenant.ID, k meter.Key, values []string) []any {
	args := make([]any, 0, len(values)*insertValues.columns)
	for _, v := range values {
		args = append(args, env, k.CustomerID, k.FeatureID, k.Resource, v)
	}
	return args
}

// CountersOf implements provisioning.Store.
func (t *Tx) CountersOf(ctx context.Context, env tenant.ID, featureID string, after provisioning.CounterPosition, limit int) ([]provisioning.CounterOf, error) {
	hold := t.db.dialect().forUpdate()
	if hold != "" {
		hold += " of k"
	}
	return all(ctx, t, func(r rows) (provisioning.CounterOf, error) {
		w, l, err := scanLocked(r)
		return provisioning.CounterOf{CustomerRef: w.CustomerRef, Counter: l.Counter}, err
	}, `
		select c.ref_id, `+counterColumns+` from usage_counters k
		join customers c on c.environment = k.environment and c.id = k.customer_id
		where k.environment = $1 and k.feature_id = $2 and (k.customer_id, k.resource) > ($3, $4)
		order by k.customer_id, k.resource limit $5`+hold, env, featureID, after.CustomerID, after.Resource, limit)
}

// CountCounters implements provisioning.Store.
func (t *Tx) CountCounters(ctx context.Context, env tenant.ID, featureID string) (n int64, err error) {
	err = t.one(ctx, errNoRow, []any{&n}, `select count(*) from usage_counters where environment = $1 and feature_id = $2`, env, featureID)
	return n, err
}

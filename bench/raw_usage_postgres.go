package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/purserhq/purser/internal/base/id"
)

// Rows travel as columns: to PostgreSQL one statement for all of them is the least.
const (
	countersSQL = `
		select customer_id, value, version from usage_counters
		where environment = $1 and customer_id = any ($2) and feature_id = $3 and resource = '' order by customer_id for update`

	unnestMeasurementsSQL = `
		insert into usage_measurements (environment, id, customer_id, resource, feature_id, at, behavior, value, delta, total, dimensions,
			reported_resource, window_start, window_end, recorded_at)
		select $1, m.id, m.customer, '', $2, $3, 'DELTA', 1, 1, m.total, null, '', $4, $5, $3
		from unnest($6::text[], $7::text[], $8::bigint[]) m (id, customer, total)`

	unnestCountersSQL = `
		insert into usage_counters (environment, customer_id, resource, feature_id, window_start, window_end, meter_version, value, last_at,
			version, updated_at)
		select $1, c.customer, '', $2, $3, $4, 0, c.value, $5, c.version, $5
		from unnest($6::text[], $7::bigint[], $8::bigint[]) c (customer, value, version)
		on conflict (environment, customer_id, feature_id, resource) do update set window_start = excluded.window_start,
			window_end = excluded.window_end, value = excluded.value, last_at = excluded.last_at, version = excluded.version,
			updated_at = excluded.updated_at`

	unnestFeedSQL = `
		insert into events (environment, type, entity_type, entity_id, version, customer, at, recorded_at, actor_type, actor_id, payload)
		select $1, 'usage.updated', 'usage', $2, e.version, e.customer, $3, $3, 'API_KEY', $4, e.payload::jsonb
		from unnest($5::bigint[], $6::text[], $7::text[]) e (version, customer, payload) returning position`

	unnestUsageEventsSQL = `
		insert into usage_events (environment, customer, resource, name, at, dimensions, idempotency_key, dedup, recorded_at)
		select $1, e.customer, '', $2, $3, e.dimensions, e.key, e.dedup, $4
		from unnest($5::text[], $6::text[], $7::text[], $8::text[]) e (customer, dimensions, key, dedup)
		on conflict (environment, dedup) where dedup is not null do nothing`
)

func (r *rawPostgres) report(ctx context.Context) error {
	c := r.usage.one(r.n.Add(1))
	row := r.usage.measurement(&c, rawNow().UnixMicro())
	_, err := r.pool.Exec(ctx, row.sql, row.args...)
	return err
}

func (r *rawPostgres) reports(ctx context.Context) error {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	list := r.usage.some(r.n.Add(1))
	n := len(list)
	byID, customers := make(map[string]*rawCustomer, n), make([]string, n)
	for i := range list {
		byID[list[i].ID], customers[i] = &list[i], list[i].ID
	}
	first := &pgx.Batch{}
	first.Queue(`begin`)
	first.Queue(countersSQL, env, customers, r.usage.feature).Query(func(rows pgx.Rows) error {
		var id string
		var value, version int64
		_, err := pgx.ForEachRow(rows, []any{&id, &value, &version}, func() error {
			byID[id].value, byID[id].ver = value, version
			return nil
		})
		return err
	})
	if err := conn.SendBatch(ctx, first).Close(); err != nil {
		return err
	}
	now := rawNow()
	at := now.UnixMicro()
	ids, refs, payloads := make([]string, n), make([]string, n), make([]string, n)
	values, versions := make([]int64, n), make([]int64, n)
	for i := range list {
		c := &list[i]
		c.value, c.ver = c.value+1, c.ver+1
		ids[i], refs[i], payloads[i], values[i], versions[i] = id.New(), c.Ref, c.payload(), c.value, c.ver
	}
	second := &pgx.Batch{}
	second.Queue(unnestMeasurementsSQL, env, r.usage.feature, at, int64(windowStart), int64(windowEnd), ids, customers, values)
	second.Queue(unnestCountersSQL, env, r.usage.feature, int64(windowStart), int64(windowEnd), at, customers, values, versions)
	second.Queue(unnestFeedSQL, env, metered, now, rawActor, versions, refs, payloads)
	second.Queue(`commit`)
	return conn.SendBatch(ctx, second).Close()
}

func (r *rawPostgres) events(ctx context.Context) error {
	at := eventTime()
	list := rawEvents(r.n.Add(1), at)
	n := len(list)
	customers, dimensions, keys, dedups := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range list {
		customers[i], dimensions[i], keys[i], dedups[i] = e.customer, e.dimensions, e.key, e.dedup
	}
	_, err := r.pool.Exec(ctx, unnestUsageEventsSQL, env, eventName, at.UnixMicro(), time.Now().UnixMicro(), customers, dimensions, keys, dedups)
	return err
}

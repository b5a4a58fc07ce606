package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/purserhq/purser/internal/base/id"
)

// What raw transactions about usage do.
const (
	reportWork  = "report"  // one measurement, committed
	reportsWork = "reports" // what a call with reportsAtOnce reports writes
	eventsWork  = "events"  // eventsAtOnce raw events
)

const (
	meteredSQL = `select id from features where environment = $1 and ref_id = $2`
	copiesSQL  = `select id, ref_id from customers where environment = $1 order by ref_id limit $2`

	insertMeasurementSQL = `
		insert into usage_measurements (environment, id, customer_id, resource, feature_id, at, behavior, value, delta, total, dimensions,
			reported_resource, window_start, window_end, recorded_at)
		values ($1, $2, $3, '', $4, $5, 'DELTA', 1, 1, $6, null, '', $7, $8, $5)`

	counterSQL = `
		select value, version from usage_counters where environment = $1 and customer_id = $2 and feature_id = $3 and resource = ''`

	saveCounterSQL = `
		insert into usage_counters (environment, customer_id, resource, feature_id, window_start, window_end, meter_version, value, last_at,
			version, updated_at)
		values ($1, $2, '', $3, $4, $5, 0, $6, $7, $8, $7)
		on conflict (environment, customer_id, feature_id, resource) do update set window_start = excluded.window_start,
			window_end = excluded.window_end, value = excluded.value, last_at = excluded.last_at, version = excluded.version,
			updated_at = excluded.updated_at`

	insertUsageEventSQL = `
		insert into usage_events (environment, customer, resource, name, at, dimensions, idempotency_key, dedup, recorded_at)
		values ($1, $2, '', $3, $4, $5, $6, $7, $8)
		on conflict (environment, dedup) where dedup is not null do nothing`
)

// The window of what never resets.
const windowStart, windowEnd = math.MinInt64, math.MaxInt64

// rawUsage is what raw transactions about usage know.
type rawUsage struct {
	feature   string // internal id of the metered one
	customers []rawCustomer
}

type rawCustomer struct {
	ID, Ref    string
	value, ver int64 // of the counter
}

// one is a customer for the nth report, and some are those of the nth call with many.
func (u *rawUsage) one(n int64) rawCustomer { return u.customers[n*7919%int64(len(u.customers))] }

func (u *rawUsage) some(n int64) []rawCustomer {
	from := n * reportsAtOnce % int64(len(u.customers))
	return append([]rawCustomer(nil), u.customers[from:from+reportsAtOnce]...)
}

func (u *rawUsage) measurement(c *rawCustomer, at int64) insert {
	return insert{insertMeasurementSQL, []any{env, id.New(), c.ID, u.feature, at, c.value, int64(windowStart), int64(windowEnd)}}
}

// rows are those of a report after which the counter is as the customer says.
func (u *rawUsage) rows(c *rawCustomer, now time.Time, stamp func(time.Time) any) []insert {
	at := now.UnixMicro()
	return []insert{
		u.measurement(c, at),
		{saveCounterSQL, []any{env, c.ID, u.feature, int64(windowStart), int64(windowEnd), c.value, at, c.ver}},
		{insertEventSQL, []any{
			env, "usage.updated", "usage", metered, c.ver, c.Ref, stamp(now), stamp(now), "API_KEY", rawActor, c.payload(),
		}},
	}
}

func (c *rawCustomer) payload() string {
	value := strconv.FormatInt(c.value, 10)
	return `{"featureId":"` + metered + `","resourceId":null,"currentUsage":` + value + `,"usagePeriodStart":null,"usagePeriodEnd":null,"raw":` +
		value + `,"version":` + strconv.FormatInt(c.ver, 10) + `}`
}

// rawEvent is a raw event of a call.
type rawEvent struct{ customer, dimensions, key, dedup string }

// rawEvents are those of the nth call, as eventsRequest sends them.
func rawEvents(n int64, at time.Time) []rawEvent {
	list := make([]rawEvent, eventsAtOnce)
	stamp := strconv.FormatInt(at.UnixMicro(), 10)
	for i := range list {
		e := rawEvent{customer: eventCustomer(i), dimensions: eventDimensions, key: fmt.Sprintf(eventKey, eventNumber(n, i))}
		text := e.customer + ":" + eventName + ":" + e.key + ":" + stamp
		sum := sha256.Sum256([]byte(text))
		e.dedup = base64.RawStdEncoding.EncodeToString(sum[:16])
		list[i] = e
	}
	return list
}

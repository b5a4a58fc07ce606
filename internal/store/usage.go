package store

import (
	"context"
	"encoding/json"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

const counterColumns = `k.customer_id, k.resource, k.feature_id, k.window_start, k.window_end, k.meter_version, k.value, k.state, k.last_at, k.version`

func scanCounter(r rows) (meter.Counter, error) {
	var c meter.Counter
	err := r.Scan(&c.CustomerID, &c.Resource, &c.FeatureID, &c.Window.Start, &c.Window.End, &c.MeterVersion, &c.Value,
		fromJSON{&c.State}, &c.Last, &c.Version)
	return c, err
}

// Counters implements meter.Reader.
func (t *Tx) Counters(ctx context.Context, env tenant.ID, customerID, resource string) ([]meter.Counter, error) {
	return all(ctx, t, scanCounter, `
		select `+counterColumns+` from usage_counters k
		where k.environment = $1 and k.customer_id = $2 and k.resource in ('', $3)`, env, customerID, resource)
}

// Measured implements meter.Reader.
func (t *Tx) Measured(ctx context.Context, env tenant.ID, k meter.Key, w rules.Span) (total, last int64, err error) {
	err = t.one(ctx, errNoRow, []any{&total, &last}, `
		select cast(coalesce(sum(delta), 0) as bigint), coalesce(max(at), 0) from usage_measurements
		where environment = $1 and customer_id = $2 and feature_id = $3 and resource = $4 and at >= $5 and at < $6`,
		env, k.CustomerID, k.FeatureID, k.Resource, w.Start, w.End)
	return total, last, err
}

// EachEvent implements meter.Reader.
func (t *Tx) EachEvent(ctx context.Context, env tenant.ID, customerRef, resource string, w rules.Span, visit func(*meter.Event)) error {
	text, args := eventsOf(env, customerRef, resource, w)
	return t.eachEvent(ctx, visit, text, args)
}

func eventsOf(env tenant.ID, customerRef, resource string, w rules.Span) (text string, args []any) {
	text = `select name, customer, resource, at, dimensions from usage_events where environment = $1 and customer = $2 and at >= $3 and at < $4`
	args = []any{env, customerRef, w.Start, w.End}
	if resource != "" {
		text += ` and resource = $5`
		args = append(args, resource)
	}
	return text, args
}

func (t *Tx) eachEvent(ctx context.Context, visit func(*meter.Event), text string, args []any) error {
	return t.each(ctx, func(r rows) error {
		var e meter.Event
		var dimensions *string
		if err := r.Scan(&e.Name, &e.Customer, &e.Resource, &e.At, &dimensions); err != nil {
			return err
		}
		if dimensions != nil {
			if err := json.Unmarshal([]byte(*dimensions), &e.Dimensions); err != nil {
				return err
			}
		}
		visit(&e)
		return nil
	}, text, args...)
}

package store

import (
	"context"
	"encoding/json"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/usage"
)

// measurementsSQL finds the customer first, so that both engines take the order from the index.
const measurementsSQL = `
	select m.at, m.delta, m.dimensions from usage_measurements m
	where m.environment = $1 and m.customer_id = (select c.id from customers c where c.environment = $1 and c.ref_id = $2)
		and m.feature_id = $3 and m.resource = $4 and m.at >= $5 and m.at < $6
	order by m.at`

const inOrder = ` order by at`

// EachMeasurement implements usage.HistoryStore.
func (t *Tx) EachMeasurement(ctx context.Context, env tenant.ID, w usage.Wanted, window rules.Span,
	visit func(at, delta int64, d meter.Dimensions),
) error {
	return t.each(ctx, func(r rows) error {
		var at, delta int64
		var text *string
		if err := r.Scan(&at, &delta, &text); err != nil {
			return err
		}
		var d meter.Dimensions
		if text != nil {
			if err := json.Unmarshal([]byte(*text), &d); err != nil {
				return err
			}
		}
		visit(at, delta, d)
		return nil
	}, measurementsSQL, env, w.CustomerRef, w.FeatureID, w.Resource, window.Start, window.End)
}

// EachEventInOrder implements usage.HistoryStore.
func (t *Tx) EachEventInOrder(ctx context.Context, env tenant.ID, customerRef, resource string, w rules.Span, visit func(*meter.Event)) error {
	text, args := eventsOf(env, customerRef, resource, w)
	return t.eachEvent(ctx, visit, text+inOrder, args)
}

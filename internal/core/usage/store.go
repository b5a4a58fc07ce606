package usage

import (
	"cmp"
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// Wanted names a counter by the caller's ids.
type Wanted struct {
	CustomerRef string
	Resource    string
	FeatureID   string // internal
}

// Locked is a counter whose row is held.
type Locked struct {
	CustomerID string
	Counter    meter.Counter
}

// Store is what usage needs from a transaction.
type Store interface {
	event.Log
	meter.Reader
	HistoryStore
	Catalog(ctx context.Context, env tenant.ID) (*catalog.Snapshot, error)
	// LockCounters holds those of the counters that there are, in one order for everybody. MakeCounters queues those that
	// there are not, of customers that exist.
	LockCounters(ctx context.Context, env tenant.ID, list []Wanted) (map[Wanted]Locked, error)
	MakeCounters(env tenant.ID, list []Wanted)
	// InsertEvents stores events and tells which of them are new.
	InsertEvents(ctx context.Context, env tenant.ID, list []StoredEvent) (fresh []bool, err error)
	// AddValues adds distinct values to a counter and returns those that it did not have; ReplaceValues queues all of them.
	AddValues(ctx context.Context, env tenant.ID, k meter.Key, values []string) (added []string, err error)
	ReplaceValues(env tenant.ID, k meter.Key, values []string)
	// Repeats finds measurements of a counter's customer and feature by resource and key that were recorded since.
	Repeats(ctx context.Context, env tenant.ID, customerID, featureID, resource, key string, since time.Time) (Measurement, bool, error)
	InsertMeasurement(env tenant.ID, m Measurement)
	SaveCounter(env tenant.ID, c meter.Counter)
	// MeasuredUntil adds up the measurements of a window up to an instant, and NextSet finds the first SET after it.
	MeasuredUntil(ctx context.Context, env tenant.ID, k meter.Key, w rules.Span, at int64) (int64, error)
	NextSet(ctx context.Context, env tenant.ID, k meter.Key, w rules.Span, after int64) (at int64, found bool, err error)
}

// Compare orders counters: whoever holds several takes them in this order.
func (w Wanted) Compare(o Wanted) int {
	return cmp.Or(cmp.Compare(w.CustomerRef, o.CustomerRef), cmp.Compare(w.FeatureID, o.FeatureID), cmp.Compare(w.Resource, o.Resource))
}

// Lock is the counter as what can be locked with BEGIN.
func (w Wanted) Lock() string { return w.FeatureID + "\n" + w.Resource + "\n" + w.CustomerRef }

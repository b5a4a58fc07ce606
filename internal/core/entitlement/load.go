package entitlement

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Load answers inside a transaction, past the cache, what a customer or resource may use at now: the transaction's own
// changes count. The customer's due timers have been settled.
func Load(ctx context.Context, st Store, env tenant.ID, customerRef, resource string, now time.Time) ([]Answer, error) {
	h, err := st.EntitlementHolder(ctx, env, customerRef, resource)
	if err != nil || !h.Known || h.Archived {
		return []Answer{}, err
	}
	c, err := st.Catalog(ctx, env)
	if err != nil {
		return nil, err
	}
	return Answers(c, h.Subscriptions, now, versions(ctx, st, env, c))
}

// Answers are what the subscriptions of a holder give at now; version finds a version by its id.
func Answers(c *catalog.Snapshot, subs []Subscription, now time.Time, version func(id string) (catalog.Version, error)) ([]Answer, error) {
	var sources []Source
	var until time.Time
	for _, sub := range (Holder{Subscriptions: subs}).live(now) {
		rows, err := RowsOf(sub, version, c.Feature)
		if err != nil {
			return nil, err
		}
		end := sub.until()
		sources = append(sources, Source{rows, end})
		if end != nil && (until.IsZero() || end.Before(until)) {
			until = *end
		}
	}
	return Present(Compile(sources), until), nil
}

// versions finds a version by its id: those in force are in the catalog, older ones are read.
func versions(ctx context.Context, st Store, env tenant.ID, c *catalog.Snapshot) func(id string) (catalog.Version, error) {
	return func(id string) (catalog.Version, error) {
		if v, ok := c.VersionByID(id); ok {
			return *v, nil
		}
		return st.PackageVersion(ctx, env, id)
	}
}

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
	return Answers(ctx, st, env, c, h, customerRef, resource, now, versions(ctx, st, env, c))
}

// Answers are what a holder may use at now, as far as it is known; version finds a version by its id.
func Answers(ctx context.Context, st Store, env tenant.ID, c *catalog.Snapshot, h Holder, customerRef, resource string, now time.Time,
	version func(id string) (catalog.Version, error),
) ([]Answer, error) {
	h.Known, h.ResourceKnown = true, true
	a := assembly{ctx, st, env, c, func(s Subscription) (*Rows, error) { return RowsOf(s, version, c.Feature) }, version, now}
	set, err := a.compile(h, key{env, customerRef, resource})
	if err != nil {
		return nil, err
	}
	return set.list(resource, now.UnixMicro()).Entitlements, nil
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

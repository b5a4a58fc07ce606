package rest

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/entitlement"
)

// slowCheckTime bounds a check that reads the database for itself.
const slowCheckTime = 30 * time.Second

// slow reports whether the answer cannot come from the cache.
func (q *checkQuery) slow() bool { return !q.at.IsZero() || q.explain }

func (h Entitlements) checkSlowly(ctx context.Context, env tenant.ID, customer string, q *checkQuery) (entitlement.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, slowCheckTime)
	defer cancel()
	e := entitlement.Query{Customer: customer, Feature: q.feature, Currency: q.currency, Resource: q.resource, Ask: q.ask, At: q.at}
	if q.explain {
		return h.Service.Explain(ctx, env, e)
	}
	return h.Service.CheckAt(ctx, env, e)
}

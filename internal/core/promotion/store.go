package promotion

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
)

// Store is what grants need from a transaction.
type Store interface {
	// RunningPromotions are the grants of a customer that have not ended, by internal id.
	RunningPromotions(ctx context.Context, env tenant.ID, customerID string) ([]Promotion, error)
	// ListPromotions reads a page of a customer's grants, with the statuses that they have at now.
	ListPromotions(ctx context.Context, env tenant.ID, customerID string, f Filter, now time.Time, p page.Request) (page.Of[Promotion], error)
	InsertPromotion(env tenant.ID, p Promotion)
	UpdatePromotion(env tenant.ID, p Promotion)
}

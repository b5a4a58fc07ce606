package catalog

import (
	"context"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// Store is what the catalog needs from a transaction. Methods without a result are queued. Whoever writes locks the
// product first, or the feature; of several features in the order of LockFeatures.
type Store interface {
	event.Log
	// TouchCatalog makes the snapshot that everybody has out of date. It locks the environment's row: insert first what
	// could wait for a unique index.
	TouchCatalog(env tenant.ID)
	productStore
	featureStore
	planStore
	versionStore
}

type productStore interface {
	// The locks read the row now and hold it.
	LockProduct(ctx context.Context, env tenant.ID, ref string) (Product, error)
	LockDefaultProduct(ctx context.Context, env tenant.ID) (Product, error)
	LockProductOfPlan(ctx context.Context, env tenant.ID, planRef string) (Product, error) // ErrPlanNotFound
	ProductByRef(ctx context.Context, env tenant.ID, ref string) (Product, error)
	ListProducts(ctx context.Context, env tenant.ID, f ProductFilter, p page.Request) (page.Of[Product], error)
	HasSubscriptions(ctx context.Context, env tenant.ID, productID string) (bool, error)
	InsertProduct(env tenant.ID, p Product)
	UpdateProduct(env tenant.ID, p Product)
}

type featureStore interface {
	LockFeature(ctx context.Context, env tenant.ID, ref string) (Feature, error)
	// LockFeatures leaves out those that do not exist.
	LockFeatures(ctx context.Context, env tenant.ID, refs []string) ([]Feature, error)
	FeatureByRef(ctx context.Context, env tenant.ID, ref string) (Feature, error)
	ListFeatures(ctx context.Context, env tenant.ID, f FeatureFilter, p page.Request) (page.Of[Feature], error)
	InsertFeature(env tenant.ID, f Feature)
	UpdateFeature(env tenant.ID, f Feature)
}

type planStore interface {
	// Plans are read with the version in force and the draft.
	PlanByRef(ctx context.Context, env tenant.ID, ref string) (Plan, error)
	PlansOfProduct(ctx context.Context, env tenant.ID, productID string) ([]Plan, error)
	ListPlans(ctx context.Context, env tenant.ID, f PlanFilter, p page.Request) (page.Of[Plan], error)
	// These two write the plan without its versions.
	InsertPlan(env tenant.ID, p Plan)
	UpdatePlan(env tenant.ID, p Plan)
}

type versionStore interface {
	// InsertVersion and DeleteVersion include entitlements and prices; UpdateVersion does not.
	InsertVersion(env tenant.ID, v Version)
	UpdateVersion(env tenant.ID, v Version)
	DeleteVersion(env tenant.ID, v Version)
	InsertEntitlement(env tenant.ID, versionID string, e Entitlement)
	UpdateEntitlement(env tenant.ID, versionID string, e Entitlement)
	DeleteEntitlement(env tenant.ID, versionID, featureID string)
	ReplacePrices(env tenant.ID, versionID string, prices []Price)
}

// ProductFilter narrows a list. Archived products are listed only when Status asks for them.
type ProductFilter struct {
	ID            string // refId; "" for all
	Status        []string
	Created       page.Range
	PublishedOnly bool // what client keys see
}

// FeatureFilter narrows a list. Archived features are listed only when Status asks for them.
type FeatureFilter struct {
	ID      string
	Types   []string
	Meters  []string
	Status  []string
	Created page.Range
}

// PlanFilter narrows a list. Archived plans are listed only when Status asks for them.
type PlanFilter struct {
	ProductID   string // refId; "" for all
	Status      []string
	Created     page.Range
	VisibleOnly bool // what client keys see: published, not hidden
}

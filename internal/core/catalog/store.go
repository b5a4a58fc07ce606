package catalog

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// Store is what the catalog needs from a transaction. Methods without a result are queued. Whoever writes locks the
// product first, or the feature; of several features in the order of LockFeatures.
type Store interface {
	event.Log
	// TouchCatalog makes the snapshot that everybody has out of date, with the commit.
	TouchCatalog(env tenant.ID)
	// ActorName names who acted, for people: the name of an API key.
	ActorName(ctx context.Context, env tenant.ID, a event.Actor) (string, error)
	Catalog(ctx context.Context, env tenant.ID) (*Snapshot, error)
	productStore
	featureStore
	packageStore
	versionStore
	couponStore
	fileStore
}

type productStore interface {
	// The locks read the row now and hold it.
	LockProduct(ctx context.Context, env tenant.ID, ref string) (Product, error)
	LockDefaultProduct(ctx context.Context, env tenant.ID) (Product, error)
	// LockProductOfPackage is the kind's NotFound when there is no such package.
	LockProductOfPackage(ctx context.Context, env tenant.ID, kind Kind, ref string) (Product, error)
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
	// FeatureUses are the packages whose draft or version in force uses a feature, and the enum values that any version
	// gives. Archived packages do not count as uses, their values do.
	FeatureUses(ctx context.Context, env tenant.ID, featureID string) (FeatureUses, error)
	// CheckedFeatures are those of the features that were checked in the last d of machine time, on any node.
	CheckedFeatures(ctx context.Context, env tenant.ID, refs []string, d time.Duration) ([]string, error)

	GroupByRef(ctx context.Context, env tenant.ID, ref string) (FeatureGroup, error)
	LockGroup(ctx context.Context, env tenant.ID, ref string) (FeatureGroup, error)
	// LockGroups leaves out those that do not exist. It comes before LockFeatures.
	LockGroups(ctx context.Context, env tenant.ID, refs []string) ([]FeatureGroup, error)
	ListGroups(ctx context.Context, env tenant.ID, f GroupFilter, p page.Request) (page.Of[FeatureGroup], error)
	// These two include the members, which exist.
	InsertGroup(env tenant.ID, g FeatureGroup)
	UpdateGroup(env tenant.ID, g FeatureGroup)
	// LockLinkedDrafts holds the products of drafts in which one of the features was added through a group, and reads the
	// packages.
	LockLinkedDrafts(ctx context.Context, env tenant.ID, groupRef string, featureRefs []string) ([]Package, error)
}

type packageStore interface {
	// Packages are read with the version in force and the draft.
	PackageByRef(ctx context.Context, env tenant.ID, kind Kind, ref string) (Package, error)
	// PackagesByRef leaves out those that do not exist.
	PackagesByRef(ctx context.Context, env tenant.ID, kind Kind, refs []string) ([]Package, error)
	PackagesOfProduct(ctx context.Context, env tenant.ID, productID string) ([]Package, error)
	LinksOfProduct(ctx context.Context, env tenant.ID, productID string) (Links, error)
	ListPackages(ctx context.Context, env tenant.ID, f PackageFilter, p page.Request) (page.Of[Package], error)
	// These two write the package without its versions.
	InsertPackage(env tenant.ID, p Package)
	UpdatePackage(env tenant.ID, p Package)
}

type versionStore interface {
	// InsertVersion and DeleteVersion include entitlements and prices; UpdateVersion does not.
	InsertVersion(env tenant.ID, v Version)
	UpdateVersion(env tenant.ID, v Version)
	DeleteVersion(env tenant.ID, v Version)
	InsertEntitlement(env tenant.ID, versionID string, e Entitlement)
	UpdateEntitlement(env tenant.ID, versionID string, e Entitlement)
	DeleteEntitlement(env tenant.ID, versionID string, e Entitlement)
	ReplacePrices(env tenant.ID, versionID string, prices []Price)
}

type couponStore interface {
	CouponByRef(ctx context.Context, env tenant.ID, ref string) (Coupon, error)
	LockCoupon(ctx context.Context, env tenant.ID, ref string) (Coupon, error)
	ListCoupons(ctx context.Context, env tenant.ID, f CouponFilter, p page.Request) (page.Of[Coupon], error)
	InsertCoupon(env tenant.ID, c Coupon)
	UpdateCoupon(env tenant.ID, c Coupon)
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

// GroupFilter narrows a list. Archived groups are listed only when Status asks for them.
type GroupFilter struct {
	ID      string
	Status  []string
	Created page.Range
}

// PackageFilter narrows a list. Archived packages are listed only when Status asks for them.
type PackageFilter struct {
	Kind        Kind
	ProductID   string // refId; "" for all
	Status      []string
	Created     page.Range
	VisibleOnly bool // what client keys see: published, not hidden
}

// CouponFilter narrows a list. Archived coupons are listed only when Status asks for them; those made for one
// subscription never are.
type CouponFilter struct {
	ID      string
	Type    string
	Status  []string
	Created page.Range
}

// FeatureUses says where a feature is used.
type FeatureUses struct {
	Packages   []string // "plan plan-pro", sorted; without archived ones
	EnumValues []string // given by any version, sorted
	Charged    bool     // a published version charges for it
}

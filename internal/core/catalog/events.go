package catalog

import (
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
)

// Event types (domain-entitlements-usage §12.4). A package is created when it is first published; what happens to its
// draft, and to what needs no draft, has names of our own.
const (
	ProductCreated    = "product.created"
	ProductUpdated    = "product.updated"
	ProductDeleted    = "product.deleted" // archived
	ProductUnarchived = "product.unarchived"

	FeatureCreated = "feature.created"
	FeatureUpdated = "feature.updated"

	FeatureDeleted    = "feature.deleted" // archived
	FeatureUnarchived = "feature.unarchived"

	GroupCreated    = "feature_group.created"
	GroupUpdated    = "feature_group.updated"
	GroupDeleted    = "feature_group.deleted" // archived
	GroupUnarchived = "feature_group.unarchived"

	CouponCreated  = "coupon.created"
	CouponUpdated  = "coupon.updated"
	CouponArchived = "coupon.archived"
)

// What happens to a package. The event's type is the kind's noun and this: "plan.created".
const (
	created        = "created"
	updated        = "updated" // a new version is in force
	deleted        = "deleted" // archived
	unarchived     = "unarchived"
	detailsUpdated = "details_updated" // metadata, visibility, billing id
	draftCreated   = "draft_created"
	draftUpdated   = "draft_updated"
	draftDiscarded = "draft_discarded"
)

type productPayload struct {
	ID               string           `json:"id"`
	Status           string           `json:"status"`
	IsDefault        bool             `json:"isDefaultProduct"`
	Settings         journey.Settings `json:"productSettings"`
	UsageResetCutoff string           `json:"subscriptionUpdateUsageResetBehavior"`
}

func (p Product) event(typ string) event.Event {
	return event.Event{
		Type: typ, Entity: event.Entity{Type: "product", ID: p.RefID}, Version: p.Version,
		Payload: productPayload{p.RefID, p.Status, p.IsDefault, p.Settings, p.UsageResetCutoff},
	}
}

type featurePayload struct {
	ID        string `json:"id"`
	Type      string `json:"featureType"`
	MeterType string `json:"meterType"`
	Status    string `json:"featureStatus"`
}

func (f Feature) event(typ string) event.Event {
	return event.Event{
		Type: typ, Entity: event.Entity{Type: "feature", ID: f.RefID}, Version: f.Version,
		Payload: featurePayload{f.RefID, f.Type, f.MeterType, f.Status},
	}
}

func (g FeatureGroup) event(typ string) event.Event {
	return event.Event{
		Type: typ, Entity: event.Entity{Type: "feature_group", ID: g.RefID}, Version: g.Version,
		Payload: map[string]any{"id": g.RefID, "status": g.Status, "featureIds": g.Features},
	}
}

type couponPayload struct {
	ID               string        `json:"id"`
	Type             string        `json:"type"`
	Status           string        `json:"status"`
	Source           string        `json:"source"`
	PercentOff       *int64        `json:"percentOff,omitempty"`
	AmountsOff       []money.Money `json:"amountsOff,omitempty"`
	DurationInMonths *int64        `json:"durationInMonths,omitempty"`
}

func (c Coupon) event(typ string) event.Event {
	return event.Event{
		Type: typ, Entity: event.Entity{Type: "coupon", ID: c.RefID}, Version: c.Version,
		Payload: couponPayload{c.RefID, c.Type(), c.Status, c.Source, c.PercentOff, c.AmountsOff, c.DurationInMonths},
	}
}

type packagePayload struct {
	ID          string `json:"id"`
	ProductID   string `json:"productId"`
	Status      string `json:"status"`
	Number      int64  `json:"versionNumber"`
	IsLatest    bool   `json:"isLatest"`
	PricingType string `json:"pricingType,omitempty"`
}

// event is about v, or about the package as a whole when v is what it shows.
func (p Package) event(what string, v *Version) event.Event {
	return event.Event{
		Type: p.Kind.Noun() + "." + what, Entity: event.Entity{Type: p.Kind.Noun(), ID: p.RefID}, Version: p.Version,
		Payload: packagePayload{p.RefID, p.ProductRefID, p.Status, v.Number, v.IsLatest, v.PricingType},
	}
}

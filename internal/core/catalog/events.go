package catalog

import (
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
)

// Event types (domain-entitlements-usage §12.4). A plan is created when it is first published; what happens to its
// draft, and to what needs no draft, has names of our own.
const (
	ProductCreated    = "product.created"
	ProductUpdated    = "product.updated"
	ProductDeleted    = "product.deleted" // archived
	ProductUnarchived = "product.unarchived"

	FeatureCreated = "feature.created"
	FeatureUpdated = "feature.updated"

	PlanCreated        = "plan.created"
	PlanUpdated        = "plan.updated" // a new version is in force
	PlanDeleted        = "plan.deleted" // archived
	PlanUnarchived     = "plan.unarchived"
	PlanDetailsUpdated = "plan.details_updated" // metadata, visibility, billing id
	PlanDraftCreated   = "plan.draft_created"
	PlanDraftUpdated   = "plan.draft_updated"
	PlanDraftDiscarded = "plan.draft_discarded"
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

type planPayload struct {
	ID          string `json:"id"`
	ProductID   string `json:"productId"`
	Status      string `json:"status"`
	Number      int64  `json:"versionNumber"`
	IsLatest    bool   `json:"isLatest"`
	PricingType string `json:"pricingType,omitempty"`
}

// event is about v, or about the plan as a whole when v is what it shows.
func (p Plan) event(typ string, v *Version) event.Event {
	return event.Event{
		Type: typ, Entity: event.Entity{Type: "plan", ID: p.RefID}, Version: p.Version,
		Payload: planPayload{p.RefID, p.ProductRefID, p.Status, v.Number, v.IsLatest, v.PricingType},
	}
}

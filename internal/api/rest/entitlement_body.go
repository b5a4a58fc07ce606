package rest

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

const (
	featureType = "FEATURE"
	creditType  = "CREDIT"
)

// featureEntitlementBody is the record of domain-entitlements-usage §1.3. What a feature's type does not have is left
// out; so is all that belongs to a row when no source gives the feature. entitlement_json.go writes the same by hand.
type featureEntitlementBody struct {
	AccessDeniedReason       Opt[string]              `json:"accessDeniedReason" enum:"FeatureNotFound,CustomerNotFound,CustomerIsArchived,CustomerResourceNotFound,NoActiveSubscription,NoFeatureEntitlementInSubscription,RequestedUsageExceedingLimit,RequestedValuesMismatch,BudgetExceeded,Unknown,FeatureTypeMismatch,Revoked,InsufficientCredits,EntitlementNotFound"`
	IsGranted                bool                     `json:"isGranted"`
	Type                     string                   `json:"type" enum:"FEATURE,CREDIT"`
	Feature                  *entitlementFeatureBody  `json:"feature,omitempty"`
	HasUnlimitedUsage        Given[bool]              `json:"hasUnlimitedUsage,omitzero"`
	HasSoftLimit             Given[bool]              `json:"hasSoftLimit,omitzero"`
	UsageLimit               Opt[int64]               `json:"usageLimit,omitzero"`
	CurrentUsage             Given[meter.Amount]      `json:"currentUsage,omitzero" doc:"What was used in the present period, in the units in which the limit is."`
	RequestedUsage           Given[meter.Amount]      `json:"requestedUsage,omitzero"`
	EnumValues               []string                 `json:"enumValues,omitempty"`
	RequestedValues          []string                 `json:"requestedValues,omitempty"`
	ResetPeriod              Opt[string]              `json:"resetPeriod,omitzero" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	ResetPeriodConfiguration Opt[resetAccordingBody]  `json:"resetPeriodConfiguration,omitzero"`
	UsagePeriodAnchor        Given[Time]              `json:"usagePeriodAnchor,omitzero" doc:"Where periods are counted from."`
	UsagePeriodStart         Given[Time]              `json:"usagePeriodStart,omitzero"`
	UsagePeriodEnd           Given[Time]              `json:"usagePeriodEnd,omitzero" doc:"Usage starts again at 0 then."`
	NextResetDate            Given[Time]              `json:"nextResetDate,omitzero" doc:"The same as usagePeriodEnd."`
	DisplayNameOverride      Given[string]            `json:"displayNameOverride,omitzero"`
	HiddenFromWidgets        []string                 `json:"hiddenFromWidgets,omitempty"`
	EntitlementUpdatedAt     Given[Time]              `json:"entitlementUpdatedAt,omitzero"`
	ValidUntil               Given[Time]              `json:"validUntil,omitzero" doc:"From then on it has to be asked again."`
	Explanation              *entitlement.Explanation `json:"explanation,omitempty" doc:"How the answer came about, when that was asked for."`
}

type entitlementFeatureBody struct {
	ID                 string                    `json:"id"`
	DisplayName        string                    `json:"displayName"`
	Description        Given[string]             `json:"description,omitzero"`
	FeatureType        string                    `json:"featureType" enum:"BOOLEAN,NUMBER,ENUM"`
	MeterType          string                    `json:"meterType" enum:"None,FLUCTUATING,INCREMENTAL"`
	FeatureStatus      string                    `json:"featureStatus" enum:"NEW,ACTIVE,SUSPENDED"`
	FeatureUnits       Given[string]             `json:"featureUnits,omitzero"`
	FeatureUnitsPlural Given[string]             `json:"featureUnitsPlural,omitzero"`
	EnumConfiguration  []catalog.EnumValue       `json:"enumConfiguration,omitempty"`
	UnitTransformation Given[transformationBody] `json:"unitTransformation,omitzero"`
	AdditionalMetaData map[string]string         `json:"additionalMetaData,omitempty"`
}

type resetAccordingBody struct {
	AccordingTo string `json:"accordingTo"`
}

// featureEntitlements are answers about features on the wire.
type featureEntitlements []entitlement.Answer

// Schema is a list of records.
func (featureEntitlements) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[[]featureEntitlementBody](), true, "")
}

// MarshalJSON writes the records; appendJSON writes the same.
func (l featureEntitlements) MarshalJSON() ([]byte, error) {
	out := make([]featureEntitlementBody, 0, len(l))
	for i := range l {
		out = append(out, featureEntitlementOf(&l[i], featureType))
	}
	return json.Marshal(out)
}

func (l featureEntitlements) appendJSON(b []byte) []byte {
	b = append(b, '[')
	for i := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEntitlement(b, &l[i], featureType)
	}
	return append(b, ']')
}

func featureEntitlementOf(a *entitlement.Answer, kind string) featureEntitlementBody {
	b := featureEntitlementBody{AccessDeniedReason: reason(a.Reason), IsGranted: a.Granted, Type: kind}
	f := &a.Feature
	if f.RefID != "" {
		b.Feature = &entitlementFeatureBody{
			ID: f.RefID, DisplayName: f.DisplayName, Description: givenPtr(f.Description), FeatureType: f.Type,
			MeterType: f.MeterType, FeatureStatus: f.Status, FeatureUnits: givenPtr(f.Units),
			FeatureUnitsPlural: givenPtr(f.UnitsPlural), EnumConfiguration: f.EnumValues, AdditionalMetaData: f.Metadata,
		}
		if t, ok := transformationOf(f.Transform).Get(); ok {
			b.Feature.UnitTransformation = give(t)
		}
	}
	if f.Metered() {
		b.CurrentUsage = give(a.Current())
		b.RequestedUsage = give(meter.Amount{N: a.Ask.RequestedUsage, Scale: a.Ask.RequestedScale})
	}
	if f.Type == catalog.Enum {
		b.RequestedValues = a.Ask.RequestedValues
	}
	if until := a.ValidUntil(); !until.IsZero() {
		b.ValidUntil = give(At(until))
	}
	if p, ok := a.Period(); ok {
		b.UsagePeriodAnchor, b.UsagePeriodStart, b.UsagePeriodEnd = give(µs(a.Origin.Anchor)), give(µs(p.Start)), give(µs(p.End))
		b.NextResetDate = b.UsagePeriodEnd
	}
	if a.Entitlement != nil {
		b.row(a.Entitlement)
	}
	b.Explanation = a.Explanation
	return b
}

// µs is an instant in µs since 1970 on the wire.
func µs(n int64) Time { return At(time.UnixMicro(n)) }

func (b *featureEntitlementBody) row(e *entitlement.Entitlement) {
	b.HasUnlimitedUsage, b.HasSoftLimit = give(e.Row.Unlimited), give(e.Row.Soft)
	b.UsageLimit, b.ResetPeriod, b.ResetPeriodConfiguration = Null[int64](), Null[string](), Null[resetAccordingBody]()
	if e.Row.HasLimit {
		b.UsageLimit = Some(e.Row.Limit)
	}
	if e.ResetPeriod != "" {
		b.ResetPeriod = Some(e.ResetPeriod)
	}
	if e.ResetConfiguration != "" {
		b.ResetPeriodConfiguration = Some(resetAccordingBody{e.ResetConfiguration})
	}
	b.EnumValues = e.Row.EnumValues
	b.DisplayNameOverride = givenPtr(e.DisplayNameOverride)
	b.HiddenFromWidgets = e.HiddenFromWidgets
	b.EntitlementUpdatedAt = give(At(e.UpdatedAt))
}

func reason(r rules.Reason) Opt[string] {
	if r == "" {
		return Null[string]()
	}
	return Some(string(r))
}

func give[T any](v T) Given[T] { return Given[T]{Some(v)} }

func givenPtr[T any](p *T) Given[T] {
	if p == nil {
		return Given[T]{}
	}
	return give(*p)
}

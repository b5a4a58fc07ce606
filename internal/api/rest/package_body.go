package rest

import (
	"cmp"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// PackageHead is what plans and add-ons have in common on the wire: one version of them. Like what else is embedded it is
// exported for huma, which does not describe it otherwise.
type PackageHead struct {
	ID                string            `json:"id"`
	ProductID         string            `json:"productId"`
	DisplayName       string            `json:"displayName"`
	Description       Opt[string]       `json:"description"`
	BillingID         Opt[string]       `json:"billingId"`
	Status            string            `json:"status" enum:"DRAFT,PUBLISHED,ARCHIVED"`
	VersionNumber     int64             `json:"versionNumber"`
	IsLatest          bool              `json:"isLatest"`
	PricingType       Opt[string]       `json:"pricingType" enum:"FREE,PAID,CUSTOM"`
	HiddenFromWidgets []string          `json:"hiddenFromWidgets" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
	Metadata          map[string]string `json:"metadata"`
	CreatedAt         Time              `json:"createdAt"`
	UpdatedAt         Time              `json:"updatedAt"`
}

// EntitlementRefs are a package's own entitlements by name; the entitlement routes have them whole.
type EntitlementRefs struct {
	Entitlements []packageEntitlementRef `json:"entitlements"`
}

type packageEntitlementRef struct {
	ID   string `json:"id"`
	Type string `json:"type" enum:"FEATURE,CREDIT"`
}

func refsOf(v *catalog.Version) EntitlementRefs {
	list := make([]packageEntitlementRef, 0, len(v.Entitlements))
	for i := range v.Entitlements {
		list = append(list, packageEntitlementRef{v.Entitlements[i].Ref(), v.Entitlements[i].Type})
	}
	return EntitlementRefs{list}
}

func headOf(p catalog.Package, v *catalog.Version) PackageHead {
	b := PackageHead{
		ID: p.RefID, ProductID: p.ProductRefID, DisplayName: v.DisplayName, Description: FromPtr(v.Description),
		BillingID: FromPtr(p.BillingID), Status: v.Status, VersionNumber: v.Number, IsLatest: v.IsLatest,
		PricingType:       orNull(v.PricingType),
		HiddenFromWidgets: p.HiddenFromWidgets, Metadata: p.Metadata,
		CreatedAt: At(p.CreatedAt), UpdatedAt: At(p.UpdatedAt),
	}
	if p.Status == catalog.Archived {
		b.Status = catalog.Archived
	}
	return b
}

// planBody is one version of a plan on the wire.
type planBody struct {
	PackageHead
	EntitlementRefs
	PlanFields
}

// PlanFields are what only plans have.
type PlanFields struct {
	DefaultTrialConfig   Opt[trialConfigBody] `json:"defaultTrialConfig"`
	ParentPlanID         Opt[string]          `json:"parentPlanId"`
	CompatibleAddonIDs   []string             `json:"compatibleAddonIds"`
	OverageBillingPeriod Opt[string]          `json:"overageBillingPeriod" enum:"ON_SUBSCRIPTION_RENEWAL,MONTHLY"`
}

// planOf shows the published version, else the draft; what the caller may not see is not in the plan.
func planOf(p catalog.Package) planBody { return planVersionOf(p, p.Shown()) }

// editedPlanOf shows the draft, as PATCH and the draft routes do (contract §4.1).
func editedPlanOf(p catalog.Package) planBody { return planVersionOf(p, p.Edited()) }

func planVersionOf(p catalog.Package, v *catalog.Version) planBody {
	return planBody{headOf(p, v), refsOf(v), planFieldsOf(v)}
}

func planFieldsOf(v *catalog.Version) PlanFields {
	b := PlanFields{
		ParentPlanID: orNull(v.ParentID), CompatibleAddonIDs: v.Compatible, OverageBillingPeriod: orNull(v.OveragePeriod),
	}
	if t := v.Trial; t != nil {
		b.DefaultTrialConfig = Some(trialConfigBody{t.Duration, t.Units, Null[budgetBody](), orNull(t.EndBehavior)})
		if t.Budget != nil {
			b.DefaultTrialConfig.value.Budget = Some(budgetBody{t.Budget.Limit, t.Budget.Soft})
		}
	}
	return b
}

// addonBody is one version of an add-on on the wire.
type addonBody struct {
	PackageHead
	EntitlementRefs
	AddonFields
}

// AddonFields are what only add-ons have.
type AddonFields struct {
	Dependencies         []string    `json:"dependencies"`
	MaxQuantity          Opt[int64]  `json:"maxQuantity"`
	OverageBillingPeriod Opt[string] `json:"overageBillingPeriod" enum:"ON_SUBSCRIPTION_RENEWAL,MONTHLY"`
}

func addonOf(p catalog.Package) addonBody       { return addonVersionOf(p, p.Shown()) }
func editedAddonOf(p catalog.Package) addonBody { return addonVersionOf(p, p.Edited()) }

func addonVersionOf(p catalog.Package, v *catalog.Version) addonBody {
	return addonBody{headOf(p, v), refsOf(v), addonFieldsOf(v)}
}

func addonFieldsOf(v *catalog.Version) AddonFields {
	return AddonFields{v.Dependencies, FromPtr(v.MaxQuantity), orNull(v.OveragePeriod)}
}

func orNull(s string) Opt[string] {
	if s == "" {
		return Null[string]()
	}
	return Some(s)
}

type budgetBody struct {
	Limit        money.Decimal `json:"limit" doc:"In units of the subscription's currency."`
	HasSoftLimit bool          `json:"hasSoftLimit,omitempty"`
}

type trialConfigIn struct {
	Duration         int             `json:"duration" doc:"0 with a budget: only the budget ends the trial."`
	Units            string          `json:"units" enum:"DAY,MONTH"`
	Budget           Opt[budgetBody] `json:"budget,omitzero" doc:"What may be spent on pay-as-you-go features."`
	TrialEndBehavior Opt[string]     `json:"trialEndBehavior,omitzero" enum:"CONVERT_TO_PAID,CANCEL_SUBSCRIPTION" doc:"Null follows the customer journey."`
}

func (t trialConfigIn) trial() catalog.Trial {
	trial := catalog.Trial{Duration: t.Duration, Units: t.Units, EndBehavior: t.TrialEndBehavior.Or("")}
	if b, ok := t.Budget.Get(); ok {
		trial.Budget = &catalog.TrialBudget{Limit: b.Limit, Soft: b.HasSoftLimit}
	}
	return trial
}

type trialConfigBody struct {
	Duration         int             `json:"duration"`
	Units            string          `json:"units" enum:"DAY,MONTH"`
	Budget           Opt[budgetBody] `json:"budget"`
	TrialEndBehavior Opt[string]     `json:"trialEndBehavior" enum:"CONVERT_TO_PAID,CANCEL_SUBSCRIPTION"`
}

// chargeBody is one price on the wire.
type chargeBody struct {
	ID                       string                  `json:"id" format:"uuid"`
	BillingModel             string                  `json:"billingModel" enum:"FLAT_FEE,MINIMUM_SPEND,PER_UNIT,USAGE_BASED,CREDIT_BASED"`
	BillingCadence           string                  `json:"billingCadence" enum:"RECURRING,ONE_OFF"`
	BillingPeriod            string                  `json:"billingPeriod" enum:"MONTHLY,ANNUALLY"`
	BillingCountryCode       Opt[string]             `json:"billingCountryCode"`
	BillingID                Opt[string]             `json:"billingId"`
	IsOverage                bool                    `json:"isOverage" doc:"Charged for what is used beyond the included quantity."`
	FeatureID                Opt[string]             `json:"featureId"`
	Price                    Opt[moneyBody]          `json:"price"`
	TiersMode                Opt[string]             `json:"tiersMode" enum:"VOLUME,GRADUATED"`
	Tiers                    Opt[[]tierBody]         `json:"tiers"`
	BlockSize                Opt[int64]              `json:"blockSize"`
	MinUnitQuantity          Opt[int64]              `json:"minUnitQuantity"`
	MaxUnitQuantity          Opt[int64]              `json:"maxUnitQuantity"`
	CreditRate               Opt[catalog.CreditRate] `json:"creditRate"`
	CreditGrantCadence       Opt[string]             `json:"creditGrantCadence" enum:"BEGINNING_OF_BILLING_PERIOD,MONTHLY"`
	TopUpCustomCurrencyID    Opt[string]             `json:"topUpCustomCurrencyId"`
	ResetPeriod              Opt[string]             `json:"resetPeriod" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	ResetPeriodConfiguration Opt[resetBody]          `json:"resetPeriodConfiguration"`
	CreatedAt                Time                    `json:"createdAt"`
}

type moneyBody struct {
	Amount   money.Decimal `json:"amount"`
	Currency string        `json:"currency"`
}

type tierBody struct {
	UpTo      Opt[int64]     `json:"upTo" doc:"Null in the last tier."`
	UnitPrice Opt[moneyBody] `json:"unitPrice"`
	FlatPrice Opt[moneyBody] `json:"flatPrice"`
}

func moneyOf(m *money.Money) Opt[moneyBody] {
	if m == nil {
		return Null[moneyBody]()
	}
	return Some(moneyBody{m.Amount, string(cmp.Or(m.Currency, money.USD))})
}

func moneyListOf(list []money.Money) []moneyBody {
	out := make([]moneyBody, 0, len(list))
	for _, m := range list {
		out = append(out, moneyBody{m.Amount, string(m.Currency)})
	}
	return out
}

func tiersOf(tiers []catalog.Tier) Opt[[]tierBody] {
	if len(tiers) == 0 {
		return Null[[]tierBody]()
	}
	list := make([]tierBody, 0, len(tiers))
	for _, t := range tiers {
		list = append(list, tierBody{FromPtr(t.UpTo), moneyOf(t.UnitPrice), moneyOf(t.FlatPrice)})
	}
	return Some(list)
}

func chargeOf(p catalog.Price) chargeBody {
	b := chargeBody{
		ID: p.ID, BillingModel: p.BillingModel, BillingCadence: p.BillingCadence, BillingPeriod: p.BillingPeriod,
		BillingCountryCode: orNull(p.Country), BillingID: Null[string](), IsOverage: p.Overage, FeatureID: orNull(p.FeatureRefID), Price: moneyOf(p.Price),
		TiersMode: orNull(p.TiersMode), Tiers: tiersOf(p.Tiers), BlockSize: FromPtr(p.BlockSize),
		MinUnitQuantity: FromPtr(p.MinQuantity), MaxUnitQuantity: FromPtr(p.MaxQuantity), CreditRate: FromPtr(p.CreditRate),
		CreditGrantCadence: orNull(p.GrantCadence), TopUpCustomCurrencyID: orNull(p.TopUpCurrency),
		ResetPeriod: orNull(p.ResetPeriod), ResetPeriodConfiguration: Null[resetBody](), CreatedAt: At(p.CreatedAt),
	}
	if p.Reset != nil {
		b.ResetPeriodConfiguration = Some(resetBody{p.Reset.AccordingTo})
	}
	return b
}

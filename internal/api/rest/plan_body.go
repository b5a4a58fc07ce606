package rest

import (
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// planBody is one version of a plan on the wire.
type planBody struct {
	ID                 string                  `json:"id"`
	ProductID          string                  `json:"productId"`
	DisplayName        string                  `json:"displayName"`
	Description        Opt[string]             `json:"description"`
	BillingID          Opt[string]             `json:"billingId"`
	Status             string                  `json:"status" enum:"DRAFT,PUBLISHED,ARCHIVED"`
	VersionNumber      int64                   `json:"versionNumber"`
	IsLatest           bool                    `json:"isLatest"`
	PricingType        Opt[string]             `json:"pricingType" enum:"FREE,PAID,CUSTOM"`
	DefaultTrialConfig Opt[trialConfigBody]    `json:"defaultTrialConfig"`
	ParentPlanID       Opt[string]             `json:"parentPlanId"`
	CompatibleAddonIDs Opt[[]string]           `json:"compatibleAddonIds"`
	Entitlements       []packageEntitlementRef `json:"entitlements"`
	HiddenFromWidgets  []string                `json:"hiddenFromWidgets" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
	Metadata           map[string]string       `json:"metadata"`
	CreatedAt          Time                    `json:"createdAt"`
	UpdatedAt          Time                    `json:"updatedAt"`
}

type packageEntitlementRef struct {
	ID   string `json:"id"`
	Type string `json:"type" enum:"FEATURE,CREDIT"`
}

// planOf shows the published version, else the draft; what the caller may not see is not in the plan.
func planOf(p catalog.Plan) planBody { return planVersionOf(p, p.Shown()) }

// editedPlanOf shows the draft, as PATCH and the draft routes do (contract §4.1).
func editedPlanOf(p catalog.Plan) planBody { return planVersionOf(p, p.Edited()) }

func planVersionOf(p catalog.Plan, v *catalog.Version) planBody {
	b := planBody{
		ID: p.RefID, ProductID: p.ProductRefID, DisplayName: v.DisplayName, Description: FromPtr(v.Description),
		BillingID: FromPtr(p.BillingID), Status: v.Status, VersionNumber: v.Number, IsLatest: v.IsLatest,
		PricingType: orNull(v.PricingType), Entitlements: make([]packageEntitlementRef, 0, len(v.Entitlements)),
		HiddenFromWidgets: p.HiddenFromWidgets, Metadata: p.Metadata,
		CreatedAt: At(p.CreatedAt), UpdatedAt: At(p.UpdatedAt),
	}
	if p.Status == catalog.Archived {
		b.Status = catalog.Archived
	}
	if v.Trial != nil {
		b.DefaultTrialConfig = Some(trialConfigBody{v.Trial.Duration, v.Trial.Units, Null[struct{}](), orNull(v.Trial.EndBehavior)})
	}
	for _, e := range v.Entitlements {
		b.Entitlements = append(b.Entitlements, packageEntitlementRef{e.FeatureRefID, featureType})
	}
	return b
}

func orNull(s string) Opt[string] {
	if s == "" {
		return Null[string]()
	}
	return Some(s)
}

type trialConfigIn struct {
	Duration         int         `json:"duration"`
	Units            string      `json:"units" enum:"DAY,MONTH"`
	Budget           later       `json:"budget,omitzero"`
	TrialEndBehavior Opt[string] `json:"trialEndBehavior,omitzero" enum:"CONVERT_TO_PAID,CANCEL_SUBSCRIPTION" doc:"Null follows the customer journey."`
}

func (t trialConfigIn) trial() catalog.Trial {
	return catalog.Trial{Duration: t.Duration, Units: t.Units, EndBehavior: t.TrialEndBehavior.Or("")}
}

type trialConfigBody struct {
	Duration         int           `json:"duration"`
	Units            string        `json:"units" enum:"DAY,MONTH"`
	Budget           Opt[struct{}] `json:"budget" doc:"Null: not supported yet."`
	TrialEndBehavior Opt[string]   `json:"trialEndBehavior" enum:"CONVERT_TO_PAID,CANCEL_SUBSCRIPTION"`
}

type planIDBody struct {
	ID string `json:"id"`
}

func planIDOf(p catalog.Plan) planIDBody { return planIDBody{p.RefID} }

type publicationBody struct {
	TaskID   Opt[string] `json:"taskId" doc:"The migration of subscriptions; null when none moves."`
	Warnings []string    `json:"warnings"`
}

func publicationOf(p catalog.Publication) publicationBody {
	return publicationBody{FromPtr(p.TaskID), p.Warnings}
}

// chargesIn is the whole pricing of a draft: in this edition one flat monthly price.
type chargesIn struct {
	PricingType          string           `json:"pricingType" enum:"FREE,PAID,CUSTOM"`
	PricingModels        []pricingModelIn `json:"pricingModels,omitempty" maxItems:"50"`
	MinimumSpend         later            `json:"minimumSpend,omitzero"`
	OverageBillingPeriod later            `json:"overageBillingPeriod,omitzero"`
	OveragePricingModels later            `json:"overagePricingModels,omitzero"`
}

type pricingModelIn struct {
	BillingModel                   string          `json:"billingModel" enum:"FLAT_FEE,MINIMUM_SPEND,PER_UNIT,USAGE_BASED,CREDIT_BASED" doc:"FLAT_FEE; the others are not supported yet."`
	BillingCadence                 string          `json:"billingCadence,omitempty" enum:"RECURRING,ONE_OFF" doc:"Default: RECURRING, the only one supported yet."`
	PricePeriods                   []pricePeriodIn `json:"pricePeriods" minItems:"1" maxItems:"50"`
	FeatureID                      later           `json:"featureId,omitzero"`
	MinUnitQuantity                later           `json:"minUnitQuantity,omitzero"`
	MaxUnitQuantity                later           `json:"maxUnitQuantity,omitzero"`
	TiersMode                      later           `json:"tiersMode,omitzero"`
	TopUpCustomCurrencyID          later           `json:"topUpCustomCurrencyId,omitzero"`
	ResetPeriod                    later           `json:"resetPeriod,omitzero"`
	YearlyResetPeriodConfiguration later           `json:"yearlyResetPeriodConfiguration,omitzero"`
	MonthlyResetPeriodConfig       later           `json:"monthlyResetPeriodConfiguration,omitzero"`
	WeeklyResetPeriodConfiguration later           `json:"weeklyResetPeriodConfiguration,omitzero"`
}

type pricePeriodIn struct {
	BillingPeriod      string         `json:"billingPeriod" enum:"MONTHLY,ANNUALLY" doc:"MONTHLY; ANNUALLY is not supported yet."`
	Price              Given[moneyIn] `json:"price,omitzero"`
	BillingCountryCode later          `json:"billingCountryCode,omitzero"`
	BlockSize          later          `json:"blockSize,omitzero"`
	CreditGrantCadence later          `json:"creditGrantCadence,omitzero"`
	CreditRate         later          `json:"creditRate,omitzero"`
	Tiers              later          `json:"tiers,omitzero"`
}

type moneyIn struct {
	Amount   money.Decimal `json:"amount" doc:"In whole currency units, with at most 5 decimal places."`
	Currency string        `json:"currency,omitempty" format:"currency" doc:"Lower-case ISO 4217; usd when absent."`
}

func (c chargesIn) pricing() catalog.Pricing {
	p := catalog.Pricing{Type: c.PricingType}
	for _, m := range c.PricingModels {
		model := catalog.PricingModel{BillingModel: m.BillingModel, BillingCadence: m.BillingCadence}
		for _, in := range m.PricePeriods {
			period := catalog.PricePeriod{BillingPeriod: in.BillingPeriod}
			if price, ok := in.Price.Get(); ok {
				period.Price = &money.Money{Amount: price.Amount, Currency: money.Currency(price.Currency)}
			}
			model.Periods = append(model.Periods, period)
		}
		p.Models = append(p.Models, model)
	}
	return p
}

// chargeBody is one price on the wire.
type chargeBody struct {
	ID                 string      `json:"id" format:"uuid"`
	BillingModel       string      `json:"billingModel"`
	BillingCadence     string      `json:"billingCadence"`
	BillingPeriod      string      `json:"billingPeriod"`
	BillingCountryCode Opt[string] `json:"billingCountryCode"`
	FeatureID          Opt[string] `json:"featureId"`
	Price              moneyBody   `json:"price"`
	CreatedAt          Time        `json:"createdAt"`
}

type moneyBody struct {
	Amount   money.Decimal `json:"amount"`
	Currency string        `json:"currency"`
}

func chargeOf(p catalog.Price) chargeBody {
	return chargeBody{
		ID: p.ID, BillingModel: p.BillingModel, BillingCadence: p.BillingCadence, BillingPeriod: p.BillingPeriod,
		BillingCountryCode: orNull(p.Country), Price: moneyBody{p.Price.Amount, string(p.Price.Currency)}, CreatedAt: At(p.CreatedAt),
	}
}

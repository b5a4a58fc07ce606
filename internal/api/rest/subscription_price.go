package rest

import (
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// subscriptionPriceBody is a price that a subscription pays.
type subscriptionPriceBody struct {
	AddonID            Opt[string]        `json:"addonId"`
	FeatureID          Opt[string]        `json:"featureId"`
	BaseCharge         bool               `json:"baseCharge" doc:"The flat fee that recurs."`
	IsOverage          bool               `json:"isOverage" doc:"Charged for what is used beyond the included quantity."`
	BillingModel       string             `json:"billingModel" enum:"FLAT_FEE,MINIMUM_SPEND,PER_UNIT,USAGE_BASED,CREDIT_BASED"`
	BillingCadence     string             `json:"billingCadence" enum:"RECURRING,ONE_OFF"`
	BillingPeriod      string             `json:"billingPeriod" enum:"MONTHLY,ANNUALLY"`
	BillingCountryCode Opt[string]        `json:"billingCountryCode"`
	Amount             Opt[money.Decimal] `json:"amount" doc:"Per unit, per block or flat; null with tiers."`
	Currency           Opt[string]        `json:"currency"`
	BlockSize          Opt[int64]         `json:"blockSize"`
	Tiers              Opt[[]tierBody]    `json:"tiers"`
}

func subscriptionPriceOf(c *subscription.Charge) subscriptionPriceBody {
	b := subscriptionPriceBody{
		AddonID: text(c.AddonRef), FeatureID: text(c.FeatureRefID), BaseCharge: c.BillingModel == catalog.FlatFee && c.BillingCadence == catalog.Recurring, IsOverage: c.Overage,
		BillingModel: c.BillingModel, BillingCadence: c.BillingCadence, BillingPeriod: c.BillingPeriod, BillingCountryCode: text(c.Country),
		Amount: Null[money.Decimal](), Currency: text(string(c.Currency())), BlockSize: FromPtr(c.BlockSize), Tiers: tiersOf(c.Tiers),
	}
	if c.Price.Price != nil {
		b.Amount = Some(c.Price.Price.Amount)
	}
	return b
}

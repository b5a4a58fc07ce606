package rest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// An appender writes itself as json.Marshal would, byte for byte and without reflection. Answers of hot routes are.
type appender interface{ appendJSON(b []byte) []byte }

func (c *CustomerBody) appendMembers(b []byte) []byte {
	b = appendText(append(b, `"id":`...), c.ID)
	b = appendOpt(b, `,"name":`, c.Name)
	b = appendOpt(b, `,"email":`, c.Email)
	b = appendOpt(b, `,"billingId":`, c.BillingID)
	b = appendOpt(b, `,"billingCurrency":`, c.BillingCurrency)
	b = appendOpt(b, `,"couponId":`, c.CouponID)
	b = appendOpt(b, `,"language":`, c.Language)
	b = appendOpt(b, `,"timezone":`, c.Timezone)
	b = appendRaw(b, `,"defaultPaymentMethod":`, c.DefaultPaymentMethod)
	b = appendRaw(b, `,"integrations":`, c.Integrations)
	if len(c.Passthrough) > 0 {
		b = appendRaw(b, `,"passthrough":`, c.Passthrough)
	}
	b = appendMap(b, `,"metadata":`, c.Metadata)
	b = appendList(b, `,"balance":`, c.Balance, slowly)
	b = appendOptTime(b, `,"archivedAt":`, c.ArchivedAt)
	b = appendTime(b, `,"createdAt":"`, c.CreatedAt.Time)
	return appendTime(b, `,"updatedAt":"`, c.UpdatedAt.Time)
}

func (c *ProvisionedCustomerBody) appendMembers(b []byte) []byte {
	b = c.CustomerBody.appendMembers(b)
	b = strconv.AppendBool(append(b, `,"excludeFromExperiment":`...), c.ExcludeFromExperiment)
	b = append(b, `,"experimentInfo":null,"trialedPlans":[`...)
	for i, t := range c.TrialedPlans {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"productId":`...), t.ProductID)
		b = appendText(append(b, `,"planId":`...), t.PlanID)
		b = append(b, '}')
	}
	return append(b, ']')
}

func (c ProvisionedCustomerBody) appendJSON(b []byte) []byte {
	return append(c.appendMembers(append(b, '{')), '}')
}

func (p provisionedBody) appendJSON(b []byte) []byte {
	b = p.appendMembers(append(b, '{'))
	b = append(b, `,"subscription":`...)
	if s, ok := p.Subscription.Get(); ok {
		b = s.appendJSON(b)
	} else {
		b = append(b, "null"...)
	}
	b = appendText(append(b, `,"subscriptionDecisionStrategy":`...), p.SubscriptionDecisionStrategy)
	if len(p.Decision.Steps) > 0 {
		b = appendTexts(b, `,"decision":{"steps":`, p.Decision.Steps)
	} else {
		b = appendSlow(append(b, `,"decision":{"steps":`...), p.Decision.Steps)
	}
	b = p.Entitlements.appendJSON(append(b, `},"entitlements":`...))
	return append(b, '}')
}

func (s subscriptionBody) appendJSON(b []byte) []byte {
	b = appendText(append(b, `{"id":`...), s.ID)
	b = appendText(append(b, `,"customerId":`...), s.CustomerID)
	b = appendText(append(b, `,"productId":`...), s.ProductID)
	b = appendText(append(b, `,"planId":`...), s.PlanID)
	b = strconv.AppendInt(append(b, `,"planVersion":`...), s.PlanVersion, 10)
	b = appendOpt(b, `,"resourceId":`, s.ResourceID)
	b = appendText(append(b, `,"pricingType":`...), s.PricingType)
	b = appendText(append(b, `,"status":`...), s.Status)
	b = appendTime(b, `,"startDate":"`, s.StartDate.Time)
	b = appendOptTime(b, `,"endDate":`, s.EndDate)
	b = appendOptTime(b, `,"trialEndDate":`, s.TrialEndDate)
	if t, ok := s.Trial.Get(); ok {
		b = appendText(append(b, `,"trial":{"trialEndBehavior":`...), t.TrialEndBehavior)
		b = append(b, '}')
	} else {
		b = append(b, `,"trial":null`...)
	}
	b = appendOptTime(b, `,"effectiveEndDate":`, s.EffectiveEndDate)
	b = appendOptTime(b, `,"cancellationDate":`, s.CancellationDate)
	b = appendOpt(b, `,"cancelReason":`, s.CancelReason)
	b = appendOpt(b, `,"billingId":`, s.BillingID)
	b = appendOpt(b, `,"billingPeriod":`, s.BillingPeriod)
	b = appendOpt(b, `,"billingCountryCode":`, s.BillingCountryCode)
	b = appendList(b, `,"addons":`, s.Addons, slowly)
	b = appendList(b, `,"charges":`, s.Charges, slowly)
	b = appendList(b, `,"prices":`, s.Prices, (*subscriptionPriceBody).appendJSON)
	b = appendOptTime(b, `,"billingCycleAnchor":`, s.BillingCycleAnchor)
	b = appendOptTime(b, `,"currentBillingPeriodStart":`, s.CurrentBillingPeriodStart)
	b = appendOptTime(b, `,"currentBillingPeriodEnd":`, s.CurrentBillingPeriodEnd)
	b = appendText(append(b, `,"paymentCollection":`...), s.PaymentCollection)
	b = appendText(append(b, `,"paymentCollectionMethod":`...), s.PaymentCollectionMethod)
	b = appendOpt(b, `,"payingCustomerId":`, s.PayingCustomerID)
	b = appendRare(b, `,"budget":`, s.Budget)
	b = appendRare(b, `,"minimumSpend":`, s.MinimumSpend)
	b = appendList(b, `,"coupons":`, s.Coupons, slowly)
	b = appendList(b, `,"subscriptionEntitlements":`, s.SubscriptionEntitlements, slowly)
	b = appendList(b, `,"futureUpdates":`, s.FutureUpdates, slowly)
	b = appendRare(b, `,"latestInvoice":`, s.LatestInvoice)
	b = appendOpt(b, `,"salesforceId":`, s.SalesforceID)
	b = append(b, `,"contractId":null,"experimentInfo":null`...)
	b = appendMap(b, `,"metadata":`, s.Metadata)
	b = strconv.AppendInt(append(b, `,"version":`...), s.Version, 10)
	b = appendTime(b, `,"createdAt":"`, s.CreatedAt.Time)
	return append(b, '}')
}

// slowly writes what few answers have.
func slowly[T any](v *T, b []byte) []byte { return appendSlow(b, v) }

// appendRare writes what few answers have, and null without reflection.
func appendRare[T any](b []byte, name string, o Opt[T]) []byte {
	b = append(b, name...)
	if o.state != present {
		return append(b, "null"...)
	}
	return appendSlow(b, o.value)
}

// appendList writes a list; nil is null.
func appendList[T any](b []byte, name string, list []T, one func(*T, []byte) []byte) []byte {
	b = append(b, name...)
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(&list[i], b)
	}
	return append(b, ']')
}

func (p *subscriptionPriceBody) appendJSON(b []byte) []byte {
	b = appendOpt(b, `{"addonId":`, p.AddonID)
	b = appendOpt(b, `,"featureId":`, p.FeatureID)
	b = strconv.AppendBool(append(b, `,"baseCharge":`...), p.BaseCharge)
	b = strconv.AppendBool(append(b, `,"isOverage":`...), p.IsOverage)
	b = appendText(append(b, `,"billingModel":`...), p.BillingModel)
	b = appendText(append(b, `,"billingCadence":`...), p.BillingCadence)
	b = appendText(append(b, `,"billingPeriod":`...), p.BillingPeriod)
	b = appendOpt(b, `,"billingCountryCode":`, p.BillingCountryCode)
	b = append(b, `,"amount":`...)
	if amount, ok := p.Amount.Get(); ok {
		b = append(b, amount.String()...)
	} else {
		b = append(b, "null"...)
	}
	b = appendOpt(b, `,"currency":`, p.Currency)
	if p.BlockSize.IsNull() && p.Tiers.IsNull() {
		return append(b, `,"blockSize":null,"tiers":null}`...)
	}
	b = appendSlow(append(b, `,"blockSize":`...), p.BlockSize)
	b = appendSlow(append(b, `,"tiers":`...), p.Tiers)
	return append(b, '}')
}

func appendOpt(b []byte, name string, o Opt[string]) []byte {
	b = append(b, name...)
	if o.state != present {
		return append(b, "null"...)
	}
	return appendText(b, o.value)
}

func appendOptTime(b []byte, name string, o Opt[Time]) []byte {
	b = append(b, name...)
	if o.state != present {
		return append(b, "null"...)
	}
	return appendTime(b, `"`, o.value.Time)
}

// appendTime writes a time; name ends with the opening quote.
func appendTime(b []byte, name string, t time.Time) []byte {
	b = append(b, name...)
	b = t.UTC().AppendFormat(b, wireTime)
	return append(b, '"')
}

// appendRaw writes what is stored as JSON.
func appendRaw(b []byte, name string, raw json.RawMessage) []byte {
	b = append(b, name...)
	if s := string(raw); s == "null" || s == "[]" {
		return append(b, s...)
	}
	return append(b, mustJSON(raw)...)
}

// appendMap writes the keys in order.
func appendMap(b []byte, name string, m map[string]string) []byte {
	b = append(b, name...)
	if m == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, key), ':')
		b = appendText(b, m[key])
	}
	return append(b, '}')
}

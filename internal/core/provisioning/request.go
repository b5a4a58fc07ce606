package provisioning

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"sort"
	"unicode/utf8"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/core/customer"
)

// Request is one provisionCustomer call (domain-catalog-provisioning §6.1).
type Request struct {
	customer.New
	// Subscription is what the customer asked for; nil for a customer without a subscription.
	Subscription *Params
	// DryRun decides and answers, and writes nothing.
	DryRun bool
}

const paramsPath = "subscriptionParams."

// Validate names every bad field.
func (r Request) Validate() error {
	var c errs.Checks
	r.Check(&c)
	if p := r.params(); p != nil {
		p.check(&c)
	}
	return c.Err()
}

// params are the subscription's, with their place in the request.
func (r Request) params() *Params {
	if r.Subscription == nil {
		return nil
	}
	p := *r.Subscription
	p.Path = paramsPath
	return &p
}

// Fingerprint has a keyed hash per given field, so that a repeat can be told from another request, and a conflict can
// name the fields that differ, without keeping their values (storage.md 7). The key is the database's own; the
// customer's id goes into every hash, so that equal values of two customers do not look alike. Defaults count as not
// given. excludeFromExperiment is left out: it counts only if the first request enrolled the customer.
func (r Request) Fingerprint(key []byte) map[string]string {
	out := map[string]string{}
	mac := hmac.New(sha256.New, key)
	put := func(name string, v any) {
		b, err := json.Marshal(v)
		if err != nil || isEmpty(b) {
			return
		}
		mac.Reset()
		for _, part := range [][]byte{[]byte(r.ID), []byte(name), b} {
			mac.Write(part)
			mac.Write([]byte{0x1f})
		}
		out[name] = base64.RawStdEncoding.EncodeToString(mac.Sum(nil)[:12])
	}
	text := func(name string, s *string) {
		if s != nil {
			put(name, *s)
		}
	}
	text("name", r.Name)
	text("email", r.Email)
	text("couponId", r.CouponID)
	put("metadata", metadata.Given(r.Metadata))
	text("billingId", r.BillingID)
	text("billingCurrency", r.BillingCurrency)
	text("language", r.Language)
	text("timezone", r.Timezone)
	put("defaultPaymentMethod", canonical(r.DefaultPaymentMethod))
	put("integrations", canonical(r.Integrations))
	put("passthrough", canonical(r.Passthrough))
	if p := r.Subscription; p != nil {
		p.fingerprint(put, text)
	}
	return out
}

func (p Params) fingerprint(put func(string, any), text func(string, *string)) {
	at := func(name string) string { return paramsPath + name }
	put(at("planId"), p.PlanID)
	text(at("id"), p.ID)
	text(at("resourceId"), p.ResourceID)
	put(at("startDate"), p.StartDate)
	put(at("cancellationDate"), p.CancellationDate)
	put(at("metadata"), metadata.Given(p.Metadata))
	put(at("billingPeriod"), p.BillingPeriod)
	put(at("billingCountryCode"), p.Country)
	put(at("addons"), p.Addons)
	put(at("charges"), p.Charges)
	put(at("unitQuantity"), p.UnitQuantity)
	put(at("priceOverrides"), p.PriceOverrides)
	put(at("entitlements"), p.Values)
	put(at("minimumSpend"), p.MinimumSpend)
	put(at("budget"), p.Budget)
	put(at("appliedCoupon"), p.Coupon)
	put(at("trialOverrideConfiguration"), p.Trial)
	put(at("payingCustomerId"), p.PayingCustomerID)
	put(at("billingId"), p.BillingID)
	put(at("salesforceId"), p.SalesforceID)
	put(at("paymentCollectionMethod"), p.CollectionMethod)
	put(at("scheduleStrategy"), p.ScheduleStrategy)
	put(at("billingInformation"), struct {
		Proration string `json:"prorationBehavior,omitempty"`
		Paid      bool   `json:"isInvoicePaid,omitempty"`
	}{p.Proration, p.InvoicePaid})
	if p.RestartCycle {
		put(at("billingCycleAnchor"), "NOW")
	}
}

func isEmpty(b []byte) bool {
	switch string(b) {
	case "null", `""`, "{}", "[]":
		return true
	}
	return false
}

// canonical brings raw JSON into one form: key order does not count, array order does.
func canonical(raw json.RawMessage) any {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil || !utf8.Valid(raw) {
		return nil
	}
	return v
}

// differing names the fields in which two fingerprints differ.
func differing(a, b map[string]string) []string {
	var names []string
	for name, h := range a {
		if b[name] != h {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

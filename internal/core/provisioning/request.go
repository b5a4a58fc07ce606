package provisioning

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
	"time"
	"unicode/utf8"

	"github.com/purserhq/purser/internal/base/country"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Request is one provisionCustomer call (domain-catalog-provisioning §6.1).
type Request struct {
	customer.New
	// Subscription is what the customer asked for; nil for a customer without a subscription.
	Subscription *Params
	// DryRun decides and answers, and writes nothing.
	DryRun bool
}

// Params is the subscription part of a Request. Only PlanID is required.
type Params struct {
	PlanID        string
	ID            *string // refId; made up when not given
	ResourceID    *string
	StartDate     *time.Time
	Metadata      map[string]string
	BillingPeriod string // MONTHLY, ANNUALLY or ""
	Country       string // ISO 3166-1 alpha-2, or ""; chooses among localised prices
	Addons        []AddonQuantity
}

// AddonQuantity asks for an add-on.
type AddonQuantity struct {
	ID       string `json:"id"` // refId
	Quantity int64  `json:"quantity"`
}

const paramsPath = "subscriptionParams."

// Validate names every bad field.
func (r Request) Validate() error {
	var c errs.Checks
	r.Check(&c)
	if p := r.Subscription; p != nil {
		p.check(&c)
	}
	return c.Err()
}

func (p Params) check(c *errs.Checks) {
	checkRef := func(name, ref string) {
		if issue := id.RefIssue(ref); issue != "" {
			c.Shape(paramsPath+name, "%s", issue)
		}
	}
	checkRef("planId", p.PlanID)
	if p.ID != nil {
		checkRef("id", *p.ID)
	}
	if p.ResourceID != nil {
		checkRef("resourceId", *p.ResourceID)
	}
	switch p.BillingPeriod {
	case "", subscription.Monthly, subscription.Annually:
	default:
		c.Shape(paramsPath+"billingPeriod", "must be MONTHLY or ANNUALLY")
	}
	if p.Country != "" && !country.Valid(p.Country) {
		c.Shape(paramsPath+"billingCountryCode", "must be an ISO 3166-1 alpha-2 code such as DE")
	}
	for i, a := range p.Addons {
		checkRef(fmt.Sprintf("addons[%d].id", i), a.ID)
	}
	if d := p.StartDate; d != nil && (d.Year() < 1970 || d.Year() > 9000) {
		c.Rule(paramsPath+"startDate", "must lie between the years 1970 and 9000")
	}
	metadata.Check(c, paramsPath+"metadata", p.Metadata)
}

// given names the parameters besides the plan that were given, in order.
func (p Params) given() []string {
	var names []string
	add := func(name string, ok bool) {
		if ok {
			names = append(names, name)
		}
	}
	add("id", p.ID != nil)
	add("resourceId", p.ResourceID != nil)
	add("startDate", p.StartDate != nil)
	add("metadata", len(p.Metadata) > 0)
	add("billingPeriod", p.BillingPeriod != "")
	add("billingCountryCode", p.Country != "")
	add("addons", len(p.Addons) > 0)
	return names
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
		put(paramsPath+"planId", p.PlanID)
		text(paramsPath+"id", p.ID)
		text(paramsPath+"resourceId", p.ResourceID)
		put(paramsPath+"startDate", p.StartDate)
		put(paramsPath+"metadata", metadata.Given(p.Metadata))
		put(paramsPath+"billingPeriod", p.BillingPeriod)
		put(paramsPath+"billingCountryCode", p.Country)
		put(paramsPath+"addons", p.Addons)
	}
	return out
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

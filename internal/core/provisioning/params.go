package provisioning

import (
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/country"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Params ask for a subscription (domain-catalog-provisioning §9.3). Only PlanID is required. They are stored as JSON when
// a change of the plan is scheduled.
type Params struct {
	// Path goes before the names of bad fields: "subscriptionParams." when they are a part of a request.
	Path string `json:"-"`

	PlanID           string                        `json:"planId"`
	ID               *string                       `json:"id,omitempty"` // refId; made up when not given
	ResourceID       *string                       `json:"resourceId,omitempty"`
	StartDate        *time.Time                    `json:"startDate,omitempty"`
	CancellationDate *time.Time                    `json:"cancellationDate,omitempty"`
	Metadata         map[string]string             `json:"metadata,omitempty"`
	BillingPeriod    string                        `json:"billingPeriod,omitempty"`      // MONTHLY, ANNUALLY or ""
	Country          string                        `json:"billingCountryCode,omitempty"` // ISO 3166-1 alpha-2, or ""; chooses among localised prices
	Addons           []AddonQuantity               `json:"addons,omitempty"`             // nil: of the same plan, those that are there
	Charges          []subscription.Quantity       `json:"charges,omitempty"`
	UnitQuantity     *int64                        `json:"unitQuantity,omitempty"` // of the only charge by quantity
	PriceOverrides   []subscription.PriceOverride  `json:"priceOverrides,omitempty"`
	Values           []subscription.Value          `json:"entitlements,omitempty"`
	MinimumSpend     *money.Money                  `json:"minimumSpend,omitempty"`
	Budget           *subscription.Budget          `json:"budget,omitempty"`
	Coupon           *AppliedCoupon                `json:"appliedCoupon,omitempty"`
	Trial            *subscription.TrialOverride   `json:"trialOverrideConfiguration,omitempty"`
	PayingCustomerID string                        `json:"payingCustomerId,omitempty"` // refId; "" when the customer pays
	BillingID        string                        `json:"billingId,omitempty"`
	SalesforceID     string                        `json:"salesforceId,omitempty"`
	CollectionMethod string                        `json:"paymentCollectionMethod,omitempty"`
	ScheduleStrategy string                        `json:"scheduleStrategy,omitempty"`
	RestartCycle     bool                          `json:"restartCycle,omitempty"` // billingCycleAnchor NOW
	Proration        string                        `json:"prorationBehavior,omitempty"`
	InvoicePaid      bool                          `json:"isInvoicePaid,omitempty"`
	NoWait           bool                          `json:"-"` // awaitPaymentConfirmation false
	Checkout         *subscription.CheckoutOptions `json:"-"`
}

// AddonQuantity asks for an add-on.
type AddonQuantity = subscription.AddonQuantity

// AppliedCoupon asks for a discount: exactly one of the first four.
type AppliedCoupon struct {
	CouponID        string          `json:"couponId,omitempty"`
	BillingCouponID string          `json:"billingCouponId,omitempty"`
	PromotionCode   string          `json:"promotionCode,omitempty"`
	Discount        *InlineDiscount `json:"discount,omitempty"`
	StartDate       *time.Time      `json:"startDate,omitempty"` // nil for now
	// Decided is what came of it, in a stored request.
	Decided *subscription.Coupon `json:"decided,omitempty"`
}

// InlineDiscount is a coupon for one subscription alone.
type InlineDiscount struct {
	Name             string        `json:"name,omitempty"`
	Description      string        `json:"description,omitempty"`
	PercentOff       *int64        `json:"percentOff,omitempty"` // 1 to 100
	AmountsOff       []money.Money `json:"amountsOff,omitempty"`
	DurationInMonths *int64        `json:"durationInMonths,omitempty"` // nil for ever
}

// check records every bad field.
func (p Params) check(c *errs.Checks) {
	p.checkRef(c, "planId", p.PlanID)
	for name, ref := range map[string]*string{"id": p.ID, "resourceId": p.ResourceID} {
		if ref != nil {
			p.checkRef(c, name, *ref)
		}
	}
	checkPeriod(c, p.Path+"billingPeriod", p.BillingPeriod)
	if p.Country != "" && !country.Valid(p.Country) {
		c.Shape(p.Path+"billingCountryCode", "must be an ISO 3166-1 alpha-2 code such as DE")
	}
	for i, a := range p.Addons {
		p.checkRef(c, fmt.Sprintf("addons[%d].id", i), a.ID)
	}
	checkDate(c, p.Path+"startDate", p.StartDate)
	checkDate(c, p.Path+"cancellationDate", p.CancellationDate)
	if p.Trial != nil {
		checkDate(c, p.Path+"trialOverrideConfiguration.trialEndDate", p.Trial.EndDate)
	}
	metadata.Check(c, p.Path+"metadata", p.Metadata)
	checkQuantities(c, p.Path+"charges", p.Charges)
	checkOverrides(c, p.Path+"priceOverrides", p.PriceOverrides)
	checkValues(c, p.Path+"entitlements", p.Values)
	checkSpend(c, p.Path, p.MinimumSpend, p.Budget)
	p.Coupon.check(c, p.Path+"appliedCoupon")
}

func (p Params) checkRef(c *errs.Checks, name, ref string) {
	if issue := id.RefIssue(ref); issue != "" {
		c.Shape(p.Path+name, "%s", issue)
	}
}

func checkPeriod(c *errs.Checks, path, period string) {
	switch period {
	case "", subscription.Monthly, subscription.Annually:
	default:
		c.Shape(path, "must be MONTHLY or ANNUALLY")
	}
}

func checkDate(c *errs.Checks, path string, d *time.Time) {
	if d != nil && (d.Year() < 1970 || d.Year() > 9000) {
		c.Rule(path, "must lie between the years 1970 and 9000")
	}
}

func checkQuantities(c *errs.Checks, path string, list []subscription.Quantity) {
	seen := map[string]bool{}
	for i, q := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if issue := id.RefIssue(q.ID); issue != "" {
			c.Shape(at+".id", "%s", issue)
		}
		if q.Type != subscription.FeatureType && q.Type != subscription.CreditType {
			c.Shape(at+".type", "must be FEATURE or CREDIT")
		}
		if seen[q.Type+q.ID] {
			c.Rule(at+".id", "is there twice")
		}
		seen[q.Type+q.ID] = true
		if q.Quantity < 0 || q.Quantity > catalog.MaxUnits {
			c.Named(catalog.ErrInvalidQuantity, at+".quantity", "must lie between 0 and %d", catalog.MaxUnits)
		}
	}
}

func checkOverrides(c *errs.Checks, path string, list []subscription.PriceOverride) {
	for i, o := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		targets := 0
		for _, is := range []bool{o.BaseCharge, o.FeatureRef != "", o.TopUp != ""} {
			if is {
				targets++
			}
		}
		if targets > 1 || targets == 0 && o.AddonRef == "" {
			c.Rule(at, "is for exactly one charge: baseCharge, featureId or currencyId")
		}
		if o.Amount == nil && len(o.Tiers) == 0 && o.CreditRate == nil && o.BlockSize == nil && o.GrantCadence == "" {
			c.Shape(at+".amount", "is required")
		}
		if o.Amount != nil {
			checkAmount(c, at+".amount", *o.Amount)
		}
		if o.Currency != "" && !o.Currency.Valid() {
			c.Shape(at+".currency", "is not a supported lower-case ISO 4217 code")
		}
		if o.BlockSize != nil && *o.BlockSize < 1 {
			c.Rule(at+".blockSize", "must be at least 1")
		}
		catalog.CheckTiers(c, at, o.Tiers)
	}
}

func checkAmount(c *errs.Checks, path string, d money.Decimal) {
	if d.Sign() < 0 {
		c.Rule(path, "must not be negative")
	}
	if issue := money.PriceIssue(d); issue != "" {
		c.Rule(path, "%s", issue)
	}
}

func checkSpend(c *errs.Checks, path string, least *money.Money, most *subscription.Budget) {
	if least != nil {
		checkAmount(c, path+"minimumSpend.amount", least.Amount)
		if !least.Currency.Valid() {
			c.Shape(path+"minimumSpend.currency", "is not a supported lower-case ISO 4217 code")
		}
	}
	if most != nil {
		checkAmount(c, path+"budget.limit", most.Limit)
	}
}

func checkValues(c *errs.Checks, path string, list []subscription.Value) {
	seen := map[string]bool{}
	for i, v := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if issue := id.RefIssue(v.ID); issue != "" {
			c.Shape(at+".id", "%s", issue)
		}
		if seen[v.Type+v.ID] {
			c.Rule(at+".id", "is there twice")
		}
		seen[v.Type+v.ID] = true
		if v.UsageLimit != nil && *v.UsageLimit < 0 {
			c.Rule(at+".usageLimit", "must not be negative")
		}
		if v.UsageLimit != nil && v.Unlimited {
			c.Rule(at+".usageLimit", "goes not with hasUnlimitedUsage")
		}
	}
}

func (a *AppliedCoupon) check(c *errs.Checks, path string) {
	if a == nil {
		return
	}
	n := 0
	for _, given := range []bool{a.CouponID != "", a.BillingCouponID != "", a.PromotionCode != "", a.Discount != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		c.Rule(path, "needs exactly one of couponId, billingCouponId, promotionCode and discount")
	}
	checkDate(c, path+".configuration.startDate", a.StartDate)
	d := a.Discount
	if d == nil {
		return
	}
	path += ".discount."
	switch {
	case (d.PercentOff == nil) == (len(d.AmountsOff) == 0):
		c.Rule(path+"percentOff", "is needed, or amountsOff, and not both")
	case d.PercentOff != nil && (*d.PercentOff < 1 || *d.PercentOff > 100):
		c.Rule(path+"percentOff", "must lie between 1 and 100")
	}
	for i, m := range d.AmountsOff {
		at := fmt.Sprintf("%samountsOff[%d].", path, i)
		checkAmount(c, at+"amount", m.Amount)
		if !m.Currency.Valid() {
			c.Shape(at+"currency", "is not a supported lower-case ISO 4217 code")
		}
		if slices.ContainsFunc(d.AmountsOff[:i], func(o money.Money) bool { return o.Currency == m.Currency }) {
			c.Rule(at+"currency", "is there twice")
		}
	}
	if d.DurationInMonths != nil && *d.DurationInMonths < 1 {
		c.Rule(path+"durationInMonths", "must be at least 1")
	}
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
	add("cancellationDate", p.CancellationDate != nil)
	add("metadata", len(p.Metadata) > 0)
	add("billingPeriod", p.BillingPeriod != "")
	add("billingCountryCode", p.Country != "")
	add("addons", len(p.Addons) > 0)
	add("charges", len(p.Charges) > 0)
	add("unitQuantity", p.UnitQuantity != nil)
	add("priceOverrides", len(p.PriceOverrides) > 0)
	add("entitlements", len(p.Values) > 0)
	add("minimumSpend", p.MinimumSpend != nil)
	add("budget", p.Budget != nil)
	add("appliedCoupon", p.Coupon != nil)
	add("trialOverrideConfiguration", p.Trial != nil)
	add("payingCustomerId", p.PayingCustomerID != "")
	add("billingId", p.BillingID != "")
	add("salesforceId", p.SalesforceID != "")
	add("paymentCollectionMethod", p.CollectionMethod != "")
	add("billingCycleAnchor", p.RestartCycle)
	return names
}

// droppable are the parameters that a journey can leave out, by name.
var droppable = map[string]func(*Params){
	"addons":                     func(p *Params) { p.Addons = nil },
	"charges":                    func(p *Params) { p.Charges = nil },
	"unitQuantity":               func(p *Params) { p.UnitQuantity = nil },
	"priceOverrides":             func(p *Params) { p.PriceOverrides = nil },
	"entitlements":               func(p *Params) { p.Values = nil },
	"minimumSpend":               func(p *Params) { p.MinimumSpend = nil },
	"budget":                     func(p *Params) { p.Budget = nil },
	"appliedCoupon":              func(p *Params) { p.Coupon = nil },
	"trialOverrideConfiguration": func(p *Params) { p.Trial = nil },
	"billingCountryCode":         func(p *Params) { p.Country = "" },
	"billingPeriod":              func(p *Params) { p.BillingPeriod = "" },
}

// without drops parameters by name.
func (p Params) without(names []string) Params {
	for _, name := range names {
		if drop := droppable[name]; drop != nil {
			drop(&p)
		}
	}
	return p
}

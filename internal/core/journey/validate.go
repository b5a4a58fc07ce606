package journey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
)

// Pricing types of a plan.
const (
	Free   = "FREE"
	Paid   = "PAID"
	Custom = "CUSTOM"
)

// Plan is what a journey needs to know about the latest published version of a plan.
type Plan struct {
	ID             string // refId
	ProductID      string // refId
	PricingType    string // Free, Paid, Custom; "" before it is priced
	Published      bool   // published and not archived
	HasTrial       bool
	TrialText      string   // how long its trial is, for people: "14 days"
	BillingPeriods []string // those it has prices for, in the plan's order
}

// path is where the settings stand in a request.
const path = "productSettings."

// Validate checks normalised settings of a product and reports every bad field at once
// (domain-catalog-provisioning §5.2). plan and productExists look up refIds.
func (s Settings) Validate(productID string, plan func(refID string) (Plan, bool), productExists func(refID string) bool) error {
	var c errs.Checks
	s.Check(&c, productID, plan, productExists)
	return c.Err()
}

// Check is Validate for callers that have more to check.
func (s Settings) Check(c *errs.Checks, productID string, plan func(refID string) (Plan, bool), productExists func(refID string) bool) {
	oneOf(c, "subscriptionStartSetup", s.StartSetup, startSetups)
	oneOf(c, "subscriptionEndSetup", s.EndSetup, endSetups)
	oneOf(c, "subscriptionDowngradeTime", s.DowngradeTime, downgradeTimes)
	if s.CancellationTime == SpecificDate {
		c.Rule(path+"subscriptionCancellationTime", "must not be SPECIFIC_DATE: a product has no date to cancel on")
	} else {
		oneOf(c, "subscriptionCancellationTime", s.CancellationTime, []CancellationTime{Immediate, EndOfBillingPeriod})
	}
	planUse{"subscriptionStartPlanId", s.StartPlanID, "subscriptionStartSetup", string(s.StartSetup), s.startIssue}.
		check(c, productID, plan, s.StartSetup == FreePlan || s.StartSetup == TrialPeriod)
	planUse{"downgradePlanId", s.DowngradePlanID, "subscriptionEndSetup", string(s.EndSetup), freeIssue}.
		check(c, productID, plan, s.EndSetup == DowngradeToFree)
	for i, ref := range s.CancelWithProductIDs {
		at := fmt.Sprintf("%scancelWithProductIds[%d]", path, i)
		if issue := id.RefIssue(ref); issue != "" {
			c.Shape(at, "%s", issue)
		} else if ref == productID {
			c.Rule(at, "must be another product")
		} else if !productExists(ref) {
			c.Rule(at, "there is no product %s", ref)
		}
	}
}

func oneOf[T ~string](c *errs.Checks, field string, v T, all []T) {
	if slices.Contains(all, v) {
		return
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = string(all[i])
	}
	c.Shape(path+field, "must be one of %s", strings.Join(names, ", "))
}

// planUse is a field that names a plan, the setting that makes use of it, and what the plan must be for that.
type planUse struct {
	field          string
	id             PlanID
	setting, value string
	issue          func(Plan) string
}

func (u planUse) check(c *errs.Checks, productID string, plan func(string) (Plan, bool), used bool) {
	at, ref := path+u.field, string(u.id)
	if ref == "" {
		if used {
			c.Rule(at, "is needed when %s is %s", u.setting, u.value)
		}
		return
	}
	if issue := id.RefIssue(ref); issue != "" {
		c.Shape(at, "%s", issue)
		return
	}
	if !used {
		return
	}
	p, ok := plan(ref)
	switch {
	case !ok:
		c.Rule(at, "there is no plan %s", ref)
	case p.ProductID != productID:
		c.Rule(at, "%s is a plan of another product", ref)
	default:
		if issue := u.issue(p); issue != "" {
			c.Rule(at, "%s %s", ref, issue)
		}
	}
}

// startIssue says why the settings cannot start customers with p, or "".
func (s Settings) startIssue(p Plan) string {
	if s.StartSetup == FreePlan {
		return freeIssue(p)
	}
	switch {
	case !p.Published:
		return "is not published"
	case p.PricingType != Paid && p.PricingType != Custom:
		return "is neither a paid nor a custom plan"
	case !p.HasTrial:
		return "has no default trial"
	}
	return ""
}

// freeIssue says why p cannot serve as a free plan, or "".
func freeIssue(p Plan) string {
	switch {
	case !p.Published:
		return "is not published"
	case p.PricingType != Free:
		return "is not a free plan"
	}
	return ""
}

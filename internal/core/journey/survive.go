package journey

import (
	"slices"
	"strings"
)

// What a parameter is about decides whether it survives when the journey chooses the plan.
type subject uint8

const (
	aboutPlan         subject = iota // made for one plan: quantities, trials, overridden prices, all unknown names
	aboutExtras                      // made for one plan, and possible on free ones
	aboutSubscription                // fits any plan
	aboutPrice                       // chooses among prices
	aboutDiscount
)

var subjects = map[string]subject{
	"addons": aboutExtras, "entitlements": aboutExtras,

	"id": aboutSubscription, "subscriptionId": aboutSubscription, "refId": aboutSubscription,
	"resourceId": aboutSubscription, "startDate": aboutSubscription, "cancellationDate": aboutSubscription,
	"metadata": aboutSubscription, "additionalMetaData": aboutSubscription,
	"billingId": aboutSubscription, "billingInformation": aboutSubscription, "billingCycleAnchor": aboutSubscription,
	"payingCustomerId": aboutSubscription, "paymentCollectionMethod": aboutSubscription,
	"salesforceId": aboutSubscription, "scheduleStrategy": aboutSubscription,
	"awaitPaymentConfirmation": aboutSubscription,

	"billingCountryCode": aboutPrice,

	"appliedCoupon": aboutDiscount, "couponId": aboutDiscount, "promotionCode": aboutDiscount,
}

const billingPeriod = "billingPeriod"

// dropForFree applies the column PREDEFINED_FREE_PLAN of domain-catalog-provisioning §6.4.
func (d *Decision) dropForFree(r Request) {
	var priced []string
	if d.BillingPeriod != "" {
		priced = append(priced, billingPeriod)
		d.BillingPeriod = ""
	}
	samePlan := d.Plan.ID == r.Requested.Plan.ID
	var foreign []string
	for _, name := range r.Requested.others() {
		switch subjects[name] {
		case aboutPlan, aboutPrice, aboutDiscount:
			priced = append(priced, name)
		case aboutExtras:
			if !samePlan {
				foreign = append(foreign, name)
			}
		case aboutSubscription:
		}
	}
	d.drop(priced, d.Plan.ID+" has no prices")
	d.drop(foreign, "chosen for "+r.Requested.Plan.ID)
}

// dropForTrial applies the column PREDEFINED_TRIAL_PLAN of domain-catalog-provisioning §6.4.
func (d *Decision) dropForTrial(r Request) {
	if asked, has := d.BillingPeriod, d.Plan.BillingPeriods; !slices.Contains(has, asked) {
		d.BillingPeriod = ""
		because := d.Plan.ID + " has no prices"
		if len(has) > 0 {
			d.BillingPeriod = has[0]
			because = d.Plan.ID + " has no price for " + asked + ", so " + has[0] + " applies"
		}
		if asked != "" {
			d.drop([]string{billingPeriod}, because)
		}
	}
	if d.Plan.ID == r.Requested.Plan.ID {
		return
	}
	var foreign []string
	for _, name := range r.Requested.others() {
		if s := subjects[name]; s == aboutPlan || s == aboutExtras {
			foreign = append(foreign, name)
		}
	}
	d.drop(foreign, "chosen for "+r.Requested.Plan.ID)
}

// others are the given parameters besides those that have fields of their own.
func (r Requested) others() []string {
	return slices.DeleteFunc(slices.Clone(r.Given), func(name string) bool { return name == billingPeriod || name == "planId" })
}

func (d *Decision) drop(names []string, because string) {
	if len(names) == 0 {
		return
	}
	d.Dropped = append(d.Dropped, names...)
	d.say("Dropped: %s (%s).", strings.Join(names, ", "), because)
}

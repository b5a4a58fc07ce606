package apitest

import (
	"fmt"
	"testing"
	"time"
)

// When a discount begins and ends, and what a change of it or of the plan leaves alone (domain-catalog-provisioning §3.10).

const tenOff = `"appliedCoupon":{"couponId":"ten"}`

// nextDiscount checks what the next invoice of a subscription takes off.
func (c caller) nextDiscount(sub string, want any) {
	c.t.Helper()
	c.post(subs+"/"+sub+"/preview", `{}`).want(200).has("data.recurringInvoice.discount", want)
}

// couponUntil checks that a subscription has had one coupon only, and that it ends at the beginning of a day of April.
func (s *server) couponUntil(n int, list ...string) {
	s.t.Helper()
	for i, status := range []string{"ACTIVE", "EXPIRED"} {
		s.moveTo(aprilDay(n).Add(time.Duration(i-1) * time.Second))
		for _, sub := range list {
			s.shows(sub, "data.coupons.0.id", "ten", "data.coupons.0.status", status, "data.coupons.1", absent)
		}
	}
}

// What comes back is what was paid, whatever coupon the customer has by then.
func TestCustomerCouponChangesAfterThePayment(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		for _, id := range []string{"had", "had-later"} {
			s.post(customers, fmt.Sprintf(`{"id":%q,"couponId":"all"}`, id)).want(201)
		}
		s.join("got", "got-later")
		for _, id := range []string{"had", "got", "had-later", "got-later"} {
			s.post(subs, askedBy(id, "basic", fmt.Sprintf(`"id":%q`, id))).want(201)
		}
		s.cost("had", "subTotal", 30, "discount", 30, "total", 0)
		s.cost("got", "discount", 0, "total", 30)
		ends := func(had, got string, rest string) {
			t.Helper()
			s.patch(customers+"/"+had, `{"couponId":null}`).want(200)
			s.patch(customers+"/"+got, `{"couponId":"all"}`).want(200)
			s.cancels(had, `{}`)
			s.balance(had)
			s.cancels(got, `{}`)
			s.balance(got, rest)
		}
		s.moveTo(aprilDay(15))
		ends("had", "got", "15 usd")
		s.moveTo(aprilDay(30).Add(31 * 12 * time.Hour)) // it was renewed: half of May is left
		ends("had-later", "got-later", "15 usd")
	})
}

// A change of the plan or of quantities gives back what was paid without a coupon and charges with it.
func TestCustomerCouponCountsFromItsNextInvoice(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("team", `"id":"a"`, seats(6))
		s.patch(customers+"/acme", `{"couponId":"half"}`).want(200)
		s.nextDiscount("a", 30)
		s.moveTo(aprilDay(15))
		s.post(subs, asked("pro", `"id":"p"`)).want(201)
		s.cost("p", "subTotal", 15, "discount", 22.5, "total", 0, "credit", 7.5) // 90 with half off, less 60 without, each for half a month
		s.balance("acme", "7.5 usd")
	})
}

// A customer's coupon takes off for as long as it lasts.
func TestCustomerCouponEnds(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"bolt","couponId":"ten"}`).want(201)
		s.post(subs, askedBy("bolt", "basic", `"id":"b"`)).want(201)
		s.cost("b", "discount", 10, "total", 20)
		s.nextDiscount("b", 10)
		s.moveTo(aprilDay(62))
		s.nextDiscount("b", 0)
		s.cancels("b", `{"cancellationTime":"IMMEDIATE","prorate":false}`)
		s.post(subs, askedBy("bolt", "basic", `"id":"c"`)).want(201)
		s.cost("c", "discount", 0, "total", 30)
	})
}

// A coupon without a start of its own begins when it first takes something off.
func TestCouponBeginsWithWhatItTakesOff(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.join("bolt", "carl", "dora", "eve")
		s.takes("basic", `"id":"later"`, tenOff, fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(70))))
		s.post(subs, askedBy("bolt", "keep", `"id":"trial"`, tenOff)).want(201).has("data.subscription.status", "IN_TRIAL")
		s.post(subs, askedBy("carl", "pro")).want(201)
		s.post(subs, askedBy("carl", "basic", tenOff)).want(201).has("data.isScheduled", true)
		s.post(subs, askedBy("dora", "basic", `"id":"patched"`)).want(201)
		s.changes("patched", `{`+tenOff+`,"scheduleStrategy":"END_OF_BILLING_PERIOD"}`).scheduled("COUPON SCHEDULED 2026-05-01")
		s.post(subs, askedBy("eve", "try", `"id":"early"`)).want(201)
		s.moveTo(aprilDay(5))
		s.changes("early", `{`+tenOff+`}`) // in the trial
		s.moveTo(aprilDay(8))
		s.changes("early", `{"trialEndDate":null}`).has("data.status", "ACTIVE")

		s.couponUntil(69, "early")
		s.couponUntil(71, "trial") // two months after the 11th of April
		plan := s.subscriptionOf("carl")
		s.shows(plan, "data.planId", "basic")
		s.couponUntil(91, plan, "patched")
		s.couponUntil(131, "later") // since the 10th of June
		for _, sub := range []string{"later", "trial", "early", plan} {
			s.cost(sub, "discount", 10)
		}
	})
}

// Asking for a coupon again does not restart it.
func TestCouponIsNotRestarted(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.takes("basic", `"id":"a"`, tenOff)
		s.moveTo(aprilDay(20))
		s.takes("basic", tenOff)
		s.changes("a", `{`+tenOff+`}`)
		s.changes("a", `{`+tenOff+`,"scheduleStrategy":"END_OF_BILLING_PERIOD"}`)
		s.moveTo(aprilDay(40))
		s.changes("a", `{`+tenOff+`,`+addons("boost", 1)+`}`).has("data.coupons.1", absent)
		// The same with another plan.
		s.takes("pro", `"id":"p"`, tenOff)
		s.couponUntil(61, "p")
		s.nextDiscount("p", 0)
	})
}

// An own coupon that starts later leaves the customer's coupon in force until then.
func TestCouponOfTheFutureHidesNothing(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"bolt","couponId":"half"}`).want(201)
		s.post(subs, askedBy("bolt", "pro", `"id":"b"`, fmt.Sprintf(`"appliedCoupon":{"couponId":"all","configuration":{"startDate":%q}}`, stamp(aprilDay(40))))).want(201)
		s.cost("b", "subTotal", 90, "discount", 45, "total", 45)
		s.nextDiscount("b", 45)
		s.moveTo(aprilDay(45)) // halfway through May, which was paid with half off
		s.nextDiscount("b", 90)
		s.moveTo(aprilDay(30).Add(31 * 12 * time.Hour))
		s.cancels("b", `{}`)
		s.balance("bolt", "22.5 usd")
		// Nor does it hide the subscription's own one.
		id := s.takes("pro", `"appliedCoupon":{"couponId":"half"}`)
		s.changes(id, fmt.Sprintf(`{"appliedCoupon":{"couponId":"all","configuration":{"startDate":%q}}}`, stamp(aprilDay(60)))).has("data.coupons.0.status", "ACTIVE")
		s.changes(id, `{`+addons("boost", 2)+`}`)
		s.cost(id, "subTotal", 10, "discount", 5)
	})
}

// On a change of the plan the discount goes on until its end, and who pays goes on paying.
func TestPlanChangeKeepsCouponAndPayer(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.join("payer", "bolt", "carl")
		for who, plan := range map[string]string{"acme": "basic", "bolt": "pro", "carl": "keep"} {
			s.post(subs, askedBy(who, plan, fmt.Sprintf(`"id":%q`, who), tenOff)).want(201)
			s.post(subs+"/"+who+"/delegate", `{"targetCustomerId":"payer"}`).want(200)
		}
		s.post(subs, askedBy("bolt", "basic")).want(201).has("data.isScheduled", true)
		s.moveTo(aprilDay(5))
		s.post(subs, askedBy("carl", "pro", `"id":"c"`)).want(201) // out of a trial: its coupon has not taken anything off yet
		s.moveTo(aprilDay(15))
		s.takes("pro", `"id":"a"`)
		s.moveTo(aprilDay(35))
		b := s.subscriptionOf("bolt")
		s.shows(b, "data.planId", "basic", "data.status", "ACTIVE")
		for _, sub := range []string{"a", b, "c"} {
			s.shows(sub, "data.payingCustomerId", "payer")
		}
		s.couponUntil(61, "a", b)
		s.couponUntil(66, "c") // since the 6th of April
		// Unless the request says otherwise.
		s.takes("squad", `"id":"n"`, seats(5), `"scheduleStrategy":"IMMEDIATE"`, `"payingCustomerId":"acme"`, `"appliedCoupon":{"couponId":"half"}`)
		s.shows("n", "data.payingCustomerId", nil, "data.coupons.0.id", "half", "data.coupons.1", absent)
	})
}

// An add-on and its overridden price come in one change.
func TestAddonComesWithItsPrice(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("basic")
		s.changes(id, `{`+addons("boost", 2)+`,"priceOverrides":[{"addonId":"boost","amount":2}]}`).has("data.addons.0.quantity", 2)
		s.cost(id, "total", 4)
		s.patch(subs+"/"+id, `{"priceOverrides":[{"addonId":"needs","amount":2}]}`).refused(404, "PriceNotFound") // it does not come along
		s.changes(id, `{`+addons("boost", 3)+`}`)
		s.cost(id, "total", 2)
	})
}

// Who pays, how, and where cannot be changed by asking for the running plan again.
func TestRunningPlanAgainForAnotherPayer(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("payer")
		id := s.takes("basic")
		before := s.shows(id)
		for name, value := range map[string]string{"payingCustomerId": "payer", "paymentCollectionMethod": "INVOICE", "billingCountryCode": "JP"} {
			s.post(subs, asked("basic", fmt.Sprintf(`%q:%q`, name, value))).refused(400, "InvalidArgumentError", name)
		}
		// What is so already is no change.
		s.post(subs, asked("basic", `"payingCustomerId":"acme"`, `"paymentCollectionMethod":"CHARGE"`)).want(201).has("data.id", id)
		if after := s.shows(id); after.etag() != before.etag() {
			t.Errorf("it was changed\n%s\n%s", before.raw, after.raw)
		}
	})
}

package apitest

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// Where rules meet (domain-catalog-provisioning §9.2, §9.8 to §9.11).

// A cancellation at the trial's end comes before its conversion.
func TestCancelledTrialDoesNotConvert(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("keep", `"id":"k"`)
		s.cancels("k", atEnd).has("data.status", "IN_TRIAL", "data.cancellationDate", stamp(aprilDay(10)))
		s.moveTo(aprilDay(11))
		s.shows("k", "data.status", "CANCELED", "data.cancelReason", "ScheduledCancellation", "data.endDate", stamp(aprilDay(10)))
		if n := s.invoices("k"); n != 0 {
			t.Errorf("it cost something: %v", s.lastInvoice("k"))
		}
	})
}

// A trial beside what runs already.
func TestTrialBesideAnother(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", toFree)
		s.takes("free", `"id":"f"`)
		s.takes("try", `"id":"t"`)
		s.shows("f", "data.status", "ACTIVE")
		s.limit("acme", "seats", 9)
		s.moveTo(aprilDay(11))
		s.shows("t", "data.status", "EXPIRED")
		s.shows("f", "data.status", "ACTIVE")
		s.get(subs+"?customerId=acme").want(200).has("data.2", absent)

		// One that converts takes the place of what is paid, and what is left of that comes back.
		s.moveTo(aprilDay(30))
		s.join("bolt")
		s.post(subs, askedBy("bolt", "basic", `"id":"b"`)).want(201)
		s.post(subs, askedBy("bolt", "keep", `"id":"k"`, `"trialOverrideConfiguration":{"isTrial":true}`)).want(201).has("data.subscription.status", "IN_TRIAL")
		s.shows("b", "data.status", "ACTIVE")
		s.moveTo(aprilDay(42))
		s.shows("b", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE", "data.endDate", stamp(aprilDay(40)))
		s.shows("k", "data.status", "ACTIVE", "data.billingCycleAnchor", stamp(aprilDay(40)))
		s.cost("k", "subTotal", 19.68, "fromBalance", 0, "amountDue", 19.68) // 40 less 30 for 21 of 31 days
		s.balance("bolt")

		// A new trial cancels the former one.
		s.join("carl")
		s.post(subs, askedBy("carl", "try", `"id":"c1"`)).want(201)
		s.post(subs, askedBy("carl", "keep", `"id":"c2"`, `"trialOverrideConfiguration":{"isTrial":true}`)).want(201).has("data.subscription.status", "IN_TRIAL")
		s.shows("c1", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
	})
}

// A coupon that has run out no longer counts in what comes back.
func TestCouponsRunOut(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt")
		for _, who := range []string{"acme", "bolt"} {
			s.post(subs, askedBy(who, "pro", fmt.Sprintf(`"id":%q`, who), `"appliedCoupon":{"couponId":"ten"}`)).want(201)
		}
		s.moveTo(aprilDay(30).Add(31 * 12 * time.Hour))
		s.cancels("acme", `{}`)
		s.balance("acme", "40 usd")
		s.moveTo(aprilDay(61 + 15)) // June
		s.cancels("bolt", `{}`)
		s.balance("bolt", "45 usd")
	})
}

func TestPeriodChangesLater(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("pro")
		s.changes(id, `{"billingPeriod":"ANNUALLY","scheduleStrategy":"END_OF_BILLING_PERIOD"}`).has("data.billingPeriod", "MONTHLY").scheduled("BILLING_PERIOD SCHEDULED 2026-05-01")
		s.moveTo(aprilDay(31))
		s.shows(id, "data.billingPeriod", "ANNUALLY", "data.currentBillingPeriodStart", stamp(aprilDay(30)), "data.currentBillingPeriodEnd", stamp(aprilDay(30).AddDate(1, 0, 0)))
		s.cost(id, "subTotal", 900, "total", 900)
		// A shorter one is less: it waits where the product says so.
		s.settings("studio", lessLater)
		s.changes(id, `{"billingPeriod":"MONTHLY"}`).has("data.billingPeriod", "ANNUALLY").scheduled("BILLING_PERIOD SCHEDULED 2027-05-01")
		s.changes(id, `{"billingPeriod":"ANNUALLY"}`).scheduled()
		// Another plan at the end of a month of the year: the rest of the year comes back.
		s.post(subs, asked("basic", `"billingPeriod":"ANNUALLY"`, `"scheduleStrategy":"END_OF_BILLING_MONTH"`)).want(201).has("data.isScheduled", true).scheduled("DOWNGRADE SCHEDULED 2026-06-01")
		s.moveTo(aprilDay(62))
		b := s.subscriptionOf("acme")
		s.shows(b, "data.planId", "basic", "data.currentBillingPeriodEnd", stamp(aprilDay(30).AddDate(1, 0, 0)))
		s.cost(b, "subTotal", -549.04, "credit", 549.04) // 900 and 300 for 334 of 365 days: 823.56, 274.52
		s.balance("acme", "549.04 usd")
	})
}

// What has not started is changed without cost.
func TestChangeBeforeTheStart(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(4), fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(5))))
		s.settings("studio", lessLater)
		s.changes(id, `{`+seats(3)+`,`+addons("boost", 1)+`}`).has("data.charges.0.quantity", 3, "data.status", "NOT_STARTED", "data.addons.0.id", "boost").scheduled()
		if n := s.invoices(id); n != 0 {
			t.Errorf("it cost something: %v", s.lastInvoice(id))
		}
		s.post(subs+"/"+id+"/migrate", `{}`).want(200)
		s.moveTo(aprilDay(6))
		s.shows(id, "data.status", "ACTIVE", "data.charges.0.quantity", 3)
		s.cost(id, "total", 35)
	})
}

// While something is paid in one currency, nothing is sold in another (§3.8).
func TestOneCurrencyAtATime(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		extra := s.takes("extra")
		s.post(subs, asked("near", `"billingCountryCode":"JP"`)).refused(400, "BadUserInput")
		s.cancels(extra, `{}`)
		s.takes("near", `"billingCountryCode":"JP"`)
		s.post(subs, asked("extra")).refused(400, "BadUserInput")
		s.post(subs, asked("bespoke")).want(201)
	})
}

// Writers at once: one after the other, and what they leave is whole.
func TestSubscribersRace(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("team", seats(2), `"id":"s"`)
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				var a *answer
				switch i % 4 {
				case 0:
					a = s.send("POST", subs, asked("team", seats(3+i)))
				case 1:
					a = s.send("POST", subs, asked("pro"))
				case 2:
					a = s.send("POST", subs, asked("squad", seats(3+i)))
				default:
					a = s.send("PATCH", subs+"/s", `{`+seats(20)+`}`)
				}
				if a.status >= 500 || a.status == 400 {
					t.Errorf("%s: %d %s", a.call, a.status, a.raw)
				}
			})
		}
		wg.Wait()
		s.get(subs+"?customerId=acme&status=ACTIVE").want(200).has("data.1", absent)
	})
}

// What is paid once is charged once.
func TestOneOffAddons(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("basic")
		s.moveTo(aprilDay(15))
		s.changes(id, `{`+addons("setup", 1)+`}`)
		s.cost(id, "total", 100)
		s.moveTo(aprilDay(31))
		s.changes(id, `{"addons":[]}`)
		s.balance("acme")
		s.cancels(id, `{}`)
		s.balance("acme", "29.03 usd") // 30 for 30 of 31 days
	})
}

// A backdated start over one that runs: that one gives back what is left, the new one is charged from its next period on.
func TestBackdatedOverAnother(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("basic", `"id":"a"`)
		s.moveTo(aprilDay(15))
		s.takes("pro", `"id":"b"`, fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(5))))
		s.shows("a", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
		s.shows("b", "data.currentBillingPeriodStart", stamp(aprilDay(5)), "data.currentBillingPeriodEnd", stamp(aprilDay(35)))
		s.balance("acme", "15 usd")
		s.cancels("b", `{}`)
		s.balance("acme", "15 usd")
	})
}

// Cancelled later, then changed: the end stays.
func TestChangeAfterACancellation(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater+","+toFree)
		id := s.takes("team", seats(5))
		s.cancels(id, atEnd)
		s.changes(id, `{`+seats(3)+`}`).has("data.cancellationDate", stamp(aprilDay(30)))
		s.changes(id, `{`+seats(6)+`}`).has("data.cancellationDate", stamp(aprilDay(30)), "data.charges.0.quantity", 6)
		s.changes(id, `{`+seats(3)+`}`)
		s.moveTo(aprilDay(32))
		s.shows(id, "data.status", "CANCELED", "data.cancelReason", "ScheduledCancellation").scheduled()
		s.balance("acme")
		s.limit("acme", "seats", 1)
	})
}

// Lines that wait for the next invoice are not forgotten when there is none any more.
func TestWaitingLinesAreSettled(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		const wait = `"billingInformation":{"prorationBehavior":"CREATE_PRORATIONS"}`
		s.join("bolt", "carl")
		for _, who := range []string{"acme", "bolt", "carl"} {
			s.post(subs, askedBy(who, "team", fmt.Sprintf(`"id":%q`, who), seats(5))).want(201)
		}
		s.moveTo(aprilDay(15))
		s.changes("acme", `{`+seats(8)+`,`+wait+`}`)
		s.cancels("acme", `{}`)
		s.balance("acme", "25 usd") // half of 50 was paid for nothing; the 3 seats were not paid
		s.changes("bolt", `{`+seats(3)+`,`+wait+`}`)
		s.balance("bolt")
		s.cancels("bolt", `{}`)
		s.balance("bolt", "25 usd")
		s.changes("carl", `{`+seats(8)+`,`+wait+`}`)
		s.post(subs, askedBy("carl", "pro", `"id":"p"`)).want(201)
		s.cost("p", "amountDue", 20) // 45 for the new plan, less 25
	})
}

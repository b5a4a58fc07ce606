package apitest

import (
	"fmt"
	"testing"
	"time"
)

// The worked examples of domain-catalog-provisioning §9.10, and its table.

func TestProrationOfUpgradeAndBack(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("basic", `"id":"a"`)
		s.cost("a", "total", 30)
		s.moveTo(aprilDay(10))
		s.takes("pro", `"id":"b"`)
		s.cost("b", "subTotal", 40, "total", 40, "amountDue", 40, "credit", 0, "fromBalance", 0)
		s.lines("b", -20, 60)
		s.shows("a", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE", "data.endDate", stamp(aprilDay(10)), "data.effectiveEndDate", stamp(aprilDay(10)))
		s.shows("b", "data.billingCycleAnchor", stamp(april), "data.currentBillingPeriodStart", stamp(april), "data.currentBillingPeriodEnd", stamp(aprilDay(30)))
		s.balance("acme")
		s.moveTo(aprilDay(15))
		s.post(subs, asked("basic", `"id":"c"`)).want(201).has("data.isScheduled", false)
		s.cost("c", "subTotal", -30, "total", 0, "credit", 30, "amountDue", 0)
		s.lines("c", -45, 15)
		s.balance("acme", "30 usd")
		// The balance pays later invoices.
		s.takes("pro", `"id":"d"`)
		s.cost("d", "subTotal", 30, "total", 30, "fromBalance", 30, "amountDue", 0)
		s.balance("acme")
		h := s.get(subs + "/d/history").want(200)
		h.has("data.0.type", "subscription.created")
	})
}

func TestProrationOfSeats(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(5))
		s.cost(id, "total", 50)
		s.moveTo(aprilDay(15))
		s.changes(id, `{`+seats(8)+`}`).has("data.id", id, "data.charges.0.quantity", 8)
		s.cost(id, "total", 15)
		s.lines(id, 15)
		s.changes(id, `{`+seats(6)+`}`)
		s.cost(id, "subTotal", -10, "total", 0, "credit", 10)
		s.balance("acme", "10 usd")
		s.changes(id, `{`+addons("boost", 2)+`}`)
		s.cost(id, "total", 5, "fromBalance", 5, "amountDue", 0)
		s.changes(id, `{"addons":[]}`)
		s.cost(id, "credit", 5)
		s.balance("acme", "10 usd")
	})
}

// Currencies without and with three decimals: half up, each line.
func TestProrationInOtherCurrencies(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		for i, c := range []struct {
			country, currency  string
			first              float64
			credit, debit, net float64
		}{
			{"JP", "jpy", 3000, -2300, 7667, 5367},      // 10000·23/30 = 7666.67
			{"KW", "kwd", 9.125, -6.996, 21.126, 14.13}, // 6.99583, 21.1255
			{"US", "usd", 30, -23, 69, 46},              // the default
			{"", "usd", 30, -23, 69, 46},
		} {
			who, a, b := fmt.Sprintf("c%d", i), fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)
			s.join(who)
			country := `"metadata":{}`
			if c.country != "" {
				country = fmt.Sprintf(`"billingCountryCode":%q`, c.country)
			}
			s.post(subs, askedBy(who, "near", country, fmt.Sprintf(`"id":%q`, a))).want(201)
			s.cost(a, "total", c.first, "currency", c.currency)
			defer func() {
				s.post(subs, askedBy(who, "far", country, fmt.Sprintf(`"id":%q`, b))).want(201)
				s.lines(b, c.credit, c.debit)
				s.cost(b, "total", c.net, "currency", c.currency)
			}()
		}
		s.moveTo(aprilDay(7))
	})
}

func TestProrationBehaviors(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		how := func(b string) string { return fmt.Sprintf(`"billingInformation":{"prorationBehavior":%q}`, b) }
		for _, who := range []string{"now", "next", "none"} {
			s.join(who)
			s.post(subs, askedBy(who, "team", seats(5), fmt.Sprintf(`"id":%q`, who))).want(201)
		}
		s.moveTo(aprilDay(15))
		s.changes("now", `{`+seats(8)+`,`+how("INVOICE_IMMEDIATELY")+`}`)
		s.cost("now", "total", 15, "amountDue", 15)
		n := s.invoices("none")
		s.changes("none", `{`+seats(8)+`,`+how("NONE")+`}`).has("data.charges.0.quantity", 8)
		if s.invoices("none") != n {
			t.Errorf("NONE has a line: %v", s.lastInvoice("none"))
		}
		s.limit("none", "seats", 8)
		s.changes("next", `{`+seats(8)+`,`+how("CREATE_PRORATIONS")+`}`).has("data.charges.0.quantity", 8)
		s.lines("next", 15)
		// What NONE did not charge is not given back either.
		s.changes("none", `{`+seats(5)+`,`+how("INVOICE_IMMEDIATELY")+`}`)
		s.balance("none")
		// CREATE_PRORATIONS waits: nothing becomes a balance until then.
		s.changes("next", `{`+seats(4)+`,`+how("CREATE_PRORATIONS")+`}`)
		s.lines("next", -20)
		s.balance("next")
		// The account's own.
		s.patch(account, `{"subscriptionProrationBehavior":"NONE"}`).want(200)
		n = s.invoices("now")
		s.changes("now", `{`+seats(10)+`}`)
		if s.invoices("now") != n {
			t.Errorf("NONE of the account has a line: %v", s.lastInvoice("now"))
		}
	})
}

func TestProrationOfAnotherPeriod(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("pro")
		s.moveTo(aprilDay(10))
		s.changes(id, `{"billingPeriod":"ANNUALLY"}`).has("data.id", id, "data.billingPeriod", "ANNUALLY", "data.currentBillingPeriodStart", stamp(aprilDay(10)),
			"data.currentBillingPeriodEnd", stamp(aprilDay(10).AddDate(1, 0, 0)), "data.billingCycleAnchor", stamp(aprilDay(10)))
		s.lines(id, -60, 900)
		s.cost(id, "total", 840)
		s.moveTo(aprilDay(10 + 73)) // a fifth of 365 days
		s.changes(id, `{"billingPeriod":"MONTHLY"}`).has("data.billingPeriod", "MONTHLY", "data.currentBillingPeriodStart", stamp(aprilDay(83)))
		s.lines(id, -720, 90)
		s.cost(id, "total", 0, "credit", 630)
		s.balance("acme", "630 usd")
		// Over a new plan as well.
		s.takes("basic", `"id":"y"`, `"billingPeriod":"ANNUALLY"`)
		s.cost("y", "subTotal", 210, "fromBalance", 210)
		s.balance("acme", "420 usd")
	})
}

func TestProrationOfANewCycle(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(5))
		s.moveTo(aprilDay(12))
		s.changes(id, `{"billingCycleAnchor":"NOW"}`).has("data.billingCycleAnchor", stamp(aprilDay(12)), "data.currentBillingPeriodStart", stamp(aprilDay(12)),
			"data.currentBillingPeriodEnd", stamp(aprilDay(42)))
		s.lines(id, -30, 50)
		s.cost(id, "total", 20)
		s.moveTo(aprilDay(27)) // half of 12 April to 12 May
		s.post(subs, asked("pro", `"id":"p"`, `"billingCycleAnchor":"NOW"`)).want(201).
			has("data.subscription.currentBillingPeriodStart", stamp(aprilDay(27)))
		s.lines("p", -25, 90)
		s.cost("p", "total", 65)
	})
}

// A backdated start is charged from the next boundary of its own anchor on; an upgrade before that charges only what is new.
func TestProrationOfABackdatedStart(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.moveTo(aprilDay(15))
		id := s.takes("team", seats(5), fmt.Sprintf(`"startDate":%q`, stamp(april)))
		if n := s.invoices(id); n != 0 {
			t.Errorf("%d invoices of a backdated start", n)
		}
		s.changes(id, `{`+seats(4)+`}`)
		s.balance("acme") // nothing was paid: nothing comes back
		s.moveTo(aprilDay(31))
		s.changes(id, `{`+seats(6)+`}`)
		s.cost(id, "total", 19.35) // 2 seats for 30 of 31 days
		s.cancels(id, `{}`)
		s.balance("acme", "58.06 usd") // 6 seats for 30 of 31 days: 40·30/31 = 38.71 and 19.35
	})
}

func TestProrationOfTheFirstOfTheMonth(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.patch(account, `{"subscriptionBillingAnchor":"START_OF_THE_MONTH","timezone":"Asia/Tokyo"}`).want(200)
		tokyo := func(month time.Month, d int) time.Time {
			return time.Date(2026, month, d, 0, 0, 0, 0, time.FixedZone("", 9*3600))
		}
		s.moveTo(tokyo(4, 16))
		s.takes("basic", `"id":"a"`)
		s.shows("a", "data.currentBillingPeriodEnd", stamp(tokyo(5, 1)))
		s.cost("a", "total", 15)
		s.moveTo(tokyo(4, 21))
		s.takes("pro", `"id":"b"`)
		s.lines("b", -10, 30)
		s.shows("b", "data.currentBillingPeriodEnd", stamp(tokyo(5, 1)))
		s.moveTo(tokyo(5, 1))
		s.shows("b", "data.currentBillingPeriodStart", stamp(tokyo(5, 1)), "data.currentBillingPeriodEnd", stamp(tokyo(6, 1)))
		s.moveTo(tokyo(5, 16).Add(12 * time.Hour))
		s.cancels("b", `{}`)
		s.balance("acme", "45 usd")
	})
}

// Paid to free gives the unused part to the balance; what is paid once is not given back.
func TestProrationToFree(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("pro", `"id":"a"`, addons("setup", 1))
		s.cost("a", "total", 190)
		s.moveTo(aprilDay(20))
		s.post(subs, asked("free", `"id":"f"`)).want(201).has("data.isScheduled", false, "data.subscription.billingPeriod", nil)
		s.balance("acme", "30 usd")
		s.shows("a", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
		s.takes("basic", `"id":"b"`)
		s.cost("b", "subTotal", 30, "total", 30, "fromBalance", 30, "amountDue", 0)
		s.shows("b", "data.currentBillingPeriodStart", stamp(aprilDay(20)))
	})
}

// Discounts are prorated alike.
func TestProrationOfDiscounts(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("basic", `"id":"a"`, `"appliedCoupon":{"couponId":"half"}`)
		s.cost("a", "total", 15)
		s.moveTo(aprilDay(10))
		s.cancels("a", `{"prorate":true}`)
		s.balance("acme", "10 usd") // two thirds of what was paid
		s.join("bolt")
		s.post(subs, askedBy("bolt", "team", `"id":"b"`, seats(4), `"appliedCoupon":{"couponId":"all"}`)).want(201)
		s.moveTo(aprilDay(15))
		s.changes("b", `{`+seats(2)+`}`)
		s.balance("bolt")
		s.changes("b", `{"appliedCoupon":null}`)
		s.changes("b", `{`+seats(3)+`}`)
		s.cancels("b", `{}`)
	})
}

// Boundaries keep to the day of the start: 31 January, 28 February, 31 March.
func TestBillingPeriodsKeepTheDay(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(file+"/apply", studio).want(200)
		s.moveTo(time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC))
		s.join("acme")
		id := s.takes("pro")
		for _, c := range []struct{ now, start, end string }{
			{"2026-02-01T00:00:00Z", "2026-01-31T09:30:00.000Z", "2026-02-28T09:30:00.000Z"},
			{"2026-02-28T09:30:00Z", "2026-02-28T09:30:00.000Z", "2026-03-31T09:30:00.000Z"},
			{"2026-04-01T00:00:00Z", "2026-03-31T09:30:00.000Z", "2026-04-30T09:30:00.000Z"},
			{"2027-03-01T00:00:00Z", "2027-02-28T09:30:00.000Z", "2027-03-31T09:30:00.000Z"},
		} {
			now, _ := time.Parse(time.RFC3339, c.now)
			s.moveTo(now)
			s.shows(id, "data.currentBillingPeriodStart", c.start, "data.currentBillingPeriodEnd", c.end)
		}
		s.sound()
	})
}

// At the very moment at which a period begins it is what is ordered then that is paid for, however changes are prorated.
func TestProrationAtABoundary(t *testing.T) {
	for _, behavior := range []string{"INVOICE_IMMEDIATELY", "CREATE_PRORATIONS", "NONE"} {
		t.Run(behavior, func(t *testing.T) {
			eachStudio(t, func(t *testing.T, s *server) {
				id := s.takes("team", seats(5))
				s.moveTo(aprilDay(30))
				s.changes(id, fmt.Sprintf(`{%s,"billingInformation":{"prorationBehavior":%q}}`, seats(8), behavior))
				s.moveTo(aprilDay(30).Add(31 * 12 * time.Hour))
				s.cancels(id, `{}`)
				s.balance("acme", "40 usd")
			})
		})
	}
}

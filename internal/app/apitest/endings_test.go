package apitest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// How things end, what follows, and what stays (domain-catalog-provisioning §9.8 to §9.11).

const inEuro = `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":30,"currency":"eur"}}]}]}`

func tried(until time.Time) string {
	return fmt.Sprintf(`"trialOverrideConfiguration":{"isTrial":true,"trialEndDate":%q}`, stamp(until))
}

func starting(at time.Time) string { return fmt.Sprintf(`"startDate":%q`, stamp(at)) }

// A start that has become impossible is given up with its reason; the customer goes on.
func TestImpossibleStartIsGivenUp(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt", "carl")
		s.takes("extra", `"id":"e"`)
		s.takes("near", `"id":"other"`, starting(aprilDay(5)))
		s.post(subs, askedBy("bolt", "basic", `"id":"addon"`, starting(aprilDay(5)), addons("boost", 1))).want(201)
		s.post(subs, askedBy("carl", "near", `"id":"alone"`, starting(aprilDay(5)))).want(201)
		s.edit(plans+"/near", inEuro+`}`)
		s.publish("near")
		s.edit(addOns+"/boost", inEuro+`}`)
		s.post(addOns+"/boost/publish", `{}`).want(200)
		s.moveTo(aprilDay(5))
		for who, sub := range map[string]string{"acme": "other", "bolt": "addon"} {
			s.get(customers + "/" + who).want(200)
			s.check(who, "seats")
			s.patch(customers+"/"+who, `{"name":"x"}`).want(200)
			s.shows(sub, "data.status", "CANCELED", "data.endDate", stamp(aprilDay(5)))
			h := s.get(subs + "/" + sub + "/history").want(200)
			if !strings.Contains(string(h.raw), "urrency") {
				t.Errorf("no reason is given\n%s", h.raw)
			}
		}
		s.shows("e", "data.status", "ACTIVE")
		s.shows("alone", "data.status", "ACTIVE", "data.prices.0.currency", "eur") // nothing forbids it
		s.moveTo(aprilDay(40))
		s.post(subs, askedBy("bolt", "pro")).want(201).has("data.subscription.status", "ACTIVE")
	})
}

// Asking for the plan that runs leaves a trial of another plan alone, and ends one of the same plan.
func TestRunningPlanAgainBesideATrial(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt")
		s.takes("basic", `"id":"a"`)
		s.takes("pro", `"id":"t"`, tried(aprilDay(9)))
		s.post(subs, asked("basic")).want(201).has("data.id", "a")
		s.shows("t", "data.status", "IN_TRIAL", "data.trialEndDate", stamp(aprilDay(9)))
		s.post(subs, askedBy("bolt", "basic", `"id":"b"`)).want(201)
		s.post(subs, askedBy("bolt", "basic", `"id":"bt"`, addons("boost", 1), tried(aprilDay(9)))).want(201).has("data.subscription.status", "IN_TRIAL")
		s.limit("bolt", "space", 10)
		s.post(subs, askedBy("bolt", "basic", addons("boost", 2))).want(201).has("data.id", "b", "data.subscription.addons.0.quantity", 2)
		s.shows("bt", "data.status", "CANCELED", "data.cancelReason", "TRIAL_CONVERTED", "data.endDate", stamp(april))
		s.limit("bolt", "space", 20)
	})
}

// A trial that is asked for starts at once, though its plan is a lesser one and downgrades wait.
func TestTrialIsNeverScheduled(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.takes("pro", `"id":"p"`)
		s.post(subs, asked("basic", `"id":"t"`, tried(aprilDay(9)))).want(201).has("data.isScheduled", false, "data.subscription.status", "IN_TRIAL", "data.subscription.startDate", stamp(april))
		s.shows("p", "data.status", "ACTIVE").scheduled()
		s.moveTo(aprilDay(40))
		s.shows("p", "data.status", "ACTIVE")
		s.shows("t", "data.status", "EXPIRED")
	})
}

// Scheduling another plan takes a scheduled cancellation back.
func TestPlanAfterACancellation(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.takes("pro", `"id":"p"`)
		s.cancels("p", atEnd).has("data.cancellationDate", stamp(aprilDay(30)))
		s.post(subs, asked("basic")).want(201).has("data.isScheduled", true, "data.subscription.cancellationDate", nil).scheduled("DOWNGRADE SCHEDULED 2026-05-01")
		s.moveTo(aprilDay(30))
		s.shows("p", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
		s.shows(s.subscriptionOf("acme"), "data.planId", "basic", "data.status", "ACTIVE", "data.cancellationDate", nil)
		s.moveTo(aprilDay(70))
		s.shows(s.subscriptionOf("acme"), "data.planId", "basic", "data.status", "ACTIVE")
	})
}

// What waits for a trial's end moves with it.
func TestWhatWaitsForATrialMovesWithIt(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt")
		for who, end := range map[string]int{"acme": 5, "bolt": 20} {
			next := who + "-next"
			s.post(subs, askedBy(who, "try", fmt.Sprintf(`"id":%q`, who))).want(201)
			s.changes(who, `{"metadata":{"k":"v"},"scheduleStrategy":"END_OF_BILLING_PERIOD"}`).scheduled("ADDITIONAL_META_DATA SCHEDULED 2026-04-11")
			s.post(subs, askedBy(who, "basic", fmt.Sprintf(`"id":%q`, next), `"scheduleStrategy":"END_OF_BILLING_PERIOD"`)).want(201).
				has("data.isScheduled", true, "data.subscription.status", "NOT_STARTED", "data.subscription.startDate", stamp(aprilDay(10)))
			s.changes(who, fmt.Sprintf(`{"trialEndDate":%q}`, stamp(aprilDay(end)))).scheduled("ADDITIONAL_META_DATA SCHEDULED " + aprilDay(end).Format("2006-01-02"))
			s.shows(next, "data.status", "NOT_STARTED", "data.startDate", stamp(aprilDay(end)))
		}
		s.moveTo(aprilDay(6))
		s.shows("acme-next", "data.status", "ACTIVE", "data.billingCycleAnchor", stamp(aprilDay(5)))
		s.moveTo(aprilDay(19))
		s.shows("bolt", "data.status", "IN_TRIAL")
		s.limit("bolt", "seats", 9)
		s.moveTo(aprilDay(21))
		s.shows("bolt-next", "data.status", "ACTIVE", "data.billingCycleAnchor", stamp(aprilDay(20)))
		s.limit("bolt", "seats", 5)
	})
}

// A change of one quantity leaves what is scheduled for another; what comes down with a longer period waits for its end.
func TestScheduledQuantityStays(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		quantity := func(feature string, n int) string {
			return fmt.Sprintf(`{"id":%q,"type":"FEATURE","quantity":%d}`, feature, n)
		}
		both := func(list ...string) string { return `"charges":[` + strings.Join(list, ",") + `]` }
		s.settings("studio", lessLater)
		s.takes("elastic", `"id":"a"`, both(quantity("seats", 5), quantity("space", 5)))
		s.changes("a", `{`+seats(3)+`}`).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01")
		s.changes("a", `{`+both(quantity("space", 9))+`}`).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01")
		s.limit("acme", "seats", 5)
		s.limit("acme", "space", 9)
		s.moveTo(aprilDay(30))
		s.limit("acme", "seats", 3)
		s.limit("acme", "space", 9)
		s.shows("a").scheduled()

		s.join("bolt")
		s.post(subs, askedBy("bolt", "team", `"id":"b"`, seats(5))).want(201)
		s.moveTo(aprilDay(40))
		end := s.changes("b", `{"billingPeriod":"ANNUALLY",`+seats(3)+`}`).
			has("data.billingPeriod", "ANNUALLY", "data.charges.0.quantity", 5).text("data.currentBillingPeriodEnd")
		if end < "2027-05" {
			t.Errorf("the year ends on %s", end)
		}
		s.shows("b", "data.futureUpdates.0.scheduledExecutionTime", end).scheduled("UNIT_AMOUNT SCHEDULED " + end[:10])
		s.moveTo(aprilDay(300))
		s.limit("bolt", "seats", 5)
		s.moveTo(aprilDay(430))
		s.limit("bolt", "seats", 3)
	})
}

// Carrying out what is scheduled is a change: a new version and an event, also when nothing is left to do.
func TestScheduledUpdateMakesAVersion(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt")
		for _, who := range []string{"acme", "bolt"} {
			s.post(subs, askedBy(who, "basic", fmt.Sprintf(`"id":%q`, who))).want(201)
			s.changes(who, `{"metadata":{"k":"v"},"scheduleStrategy":"END_OF_BILLING_PERIOD"}`)
		}
		s.changes("acme", `{"metadata":{"k":"v"}}`).scheduled("ADDITIONAL_META_DATA SCHEDULED 2026-05-01") // there is nothing left to do
		acme, bolt := s.shows("acme"), s.shows("bolt")
		since := s.here()
		s.moveTo(aprilDay(31))
		told := fmt.Sprint(s.happenedAtAll(since))
		for who, before := range map[string]*answer{"acme": acme, "bolt": bolt} {
			version, _ := before.at("data.version")
			after := s.shows(who, "data.metadata.k", "v", "data.version", version.(float64)+1).scheduled()
			if after.etag() == before.etag() || !strings.Contains(told, "subscription.updated subscription "+who) {
				t.Errorf("%s: ETag %s after %s, events %s", who, after.etag(), before.etag(), told)
			}
			s.patch(subs+"/"+who, `{}`, "If-Match", before.etag()).refused(409, "SubscriptionChanged")
		}
	})
}

// Who has paid gets no trial, even if what was paid for is free now.
func TestNoTrialAfterPaying(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt")
		s.takes("near", `"id":"a"`)
		s.edit(plans+"/near", `{"charges":{"pricingType":"FREE"}}`)
		s.publish("near")
		s.moveTo(aprilDay(15))
		s.post(subs+"/a/migrate", `{}`).want(200).has("data.pricingType", "FREE")
		s.post(subs, asked("try")).want(201).has("data.subscription.status", "ACTIVE", "data.subscription.trialEndDate", nil)
		s.post(subs, askedBy("bolt", "near")).want(201) // who never paid does
		s.post(subs, askedBy("bolt", "try")).want(201).has("data.subscription.status", "IN_TRIAL")
	})
}

// A linked product ends with the one that it depends on, also where that one's journey goes on with a free plan.
func TestLinkedCancellationBesideAFreePlan(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", toFree)
		s.takes("pro", `"id":"p"`)
		s.takes("extra", `"id":"e"`)
		s.cancels("p", `{}`)
		s.shows("e", "data.status", "CANCELED")
		s.shows(s.subscriptionOf("acme"), "data.planId", "free", "data.status", "ACTIVE")
		s.takes("pro", `"id":"q"`)
		s.takes("extra", `"id":"f"`)
		s.cancels("q", atEnd)
		s.shows("f", "data.status", "ACTIVE")
		s.moveTo(aprilDay(31))
		s.shows("f", "data.status", "CANCELED", "data.endDate", stamp(aprilDay(30)))
		s.limit("acme", "seats", 1)
	})
}

// Lines that wait for the next invoice are in the invoice of the end where the customer is archived.
func TestArchivingSettlesWaitingLines(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(5))
		s.moveTo(aprilDay(15))
		s.changes(id, `{`+seats(8)+`,"billingInformation":{"prorationBehavior":"CREATE_PRORATIONS"}}`)
		s.post(customers+"/acme/archive?cancelSubscriptions=true", "").want(200)
		s.shows(id, "data.status", "CANCELED", "data.cancelReason", "CustomerArchived")
		rows := s.get(subs+"/"+id+"/history").want(200).has("data.2.type", "subscription.canceled", "data.3", absent)
		rows.has("data.2.invoice.amountDue", 15, "data.2.invoice.lines.0.subTotal", 15, "data.2.invoice.lines.1", absent)
	})
}

// An imported subscription that has ended and says no start is a failure of the task.
func TestImportOfWhatIsOver(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt")
		body := subRows(subRow("good", "acme", "basic", `"billingPeriod":"MONTHLY"`),
			subRow("over", "bolt", "basic", `"billingPeriod":"MONTHLY"`, fmt.Sprintf(`"endDate":%q`, stamp(aprilDay(-3)))))
		want := func() {
			t.Helper()
			a := s.imports(body).has("data.status", "PARTIALLY_FAILED", "data.failed", 1, "data.failures.0.id", "over", "data.failures.1", absent)
			if !strings.Contains(string(a.raw), "it needs a startDate") {
				t.Errorf("the failure does not say what is missing\n%s", a.raw)
			}
			s.get(subs+"?customerId=bolt").want(200).has("data", []any{})
		}
		want()
		before := s.shows("good", "data.status", "ACTIVE")
		s.moveTo(aprilDay(1))
		want()
		if after := s.shows("good"); string(after.raw) != string(before.raw) {
			t.Errorf("a repeat changed it:\n%s\n%s", before.raw, after.raw)
		}
	})
}

// The end of a billing month is announced once, an hour before; of what is free never.
func TestBillingMonthEndsSoon(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt", "carl")
		s.takes("basic", `"id":"a"`)
		s.post(subs, askedBy("bolt", "free")).want(201)
		s.post(subs, askedBy("carl", "pro", `"id":"c"`)).want(201)
		s.cancels("c", atEnd)
		since := s.here()
		announced := func(to time.Time, want ...string) {
			t.Helper()
			s.moveTo(to)
			s.get(subs + "?limit=100").want(200)
			events, position := s.mark(since)
			since = position
			got := []string{}
			for _, e := range events {
				if e.Type == "subscription.billing_month.ends_soon" {
					got = append(got, e.Entity.ID+" "+stamp(e.At))
				}
			}
			if strings.Join(got, ",") != strings.Join(want, ",") {
				t.Errorf("announced until %s: %q, want %q", to, got, want)
			}
		}
		soon := func(n int) time.Time { return aprilDay(n).Add(-time.Hour) }
		announced(soon(30).Add(-time.Second))
		announced(soon(30), "a "+stamp(soon(30)), "c "+stamp(soon(30))) // the last one ends as well
		s.changes("a", `{`+addons("boost", 1)+`}`)
		announced(aprilDay(40))
		s.changes("a", `{"metadata":{"k":"v"}}`)
		announced(aprilDay(92), "a "+stamp(soon(61)), "a "+stamp(soon(91)))
		s.cancels("a", `{}`)
		announced(aprilDay(200))
	})
}

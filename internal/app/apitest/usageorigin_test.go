package apitest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/store/storetest"
)

// Where usage periods begin, and what a change of the plan does to them (domain-entitlements-usage §4.2, §4.4).

// cutoff gives a product a rule for usage at changes of the plan.
func (c caller) cutoff(product, rule string) {
	c.t.Helper()
	c.patch(products+"/"+product, fmt.Sprintf(`{"usageResetCutoffRule":{"behavior":%q}}`, rule)).want(200)
}

func fromOn(anchor time.Time, cut bool) string {
	s := anchor.UTC().Format("01-02")
	if cut {
		s += " cut"
	}
	return s
}

// counts checks where the usage periods of a subscription begin, "04-11 cut", or "" for its start.
func (s *server) counts(sub, want string) {
	s.t.Helper()
	var d subscription.Details
	for _, row := range storetest.Rows(s.t, storetest.SQL(s.t, s.db), `select cast(details as text) from subscriptions where ref_id = $1`, sub) {
		if err := json.Unmarshal([]byte(row[0]), &d); err != nil {
			s.t.Fatal(err)
		}
	}
	got := ""
	if o := d.UsageFrom; o != nil {
		got = fromOn(o.Anchor, o.Cut)
	}
	if got != want {
		s.t.Errorf("usage of %s counts from %q, want %q", sub, got, want)
	}
}

// resets checks all that has been reset: "acme  studio 04-11 after 04-01".
func (s *server) resets(want ...string) {
	s.t.Helper()
	got := []string{}
	for _, row := range storetest.Rows(s.t, storetest.SQL(s.t, s.db), `
		select c.ref_id, r.resource, p.ref_id, cast(r.at as text), cast(r.anchor as text), case when r.cut then ' cut' else '' end
		from usage_resets r
		join customers c on c.environment = r.environment and c.id = r.customer_id
		join products p on p.environment = r.environment and p.id = r.product_id
		order by r.at, c.ref_id, r.resource, p.ref_id`) {
		var at, anchor int64
		if _, err := fmt.Sscan(row[3]+" "+row[4], &at, &anchor); err != nil {
			s.t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s after %s%s", row[0], row[1], row[2], fromOn(time.UnixMicro(at), false), fromOn(time.UnixMicro(anchor), false), row[5]))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("resets %q, want %q", got, want)
	}
}

func TestPlanChangeResetsUsageByTheProductsRule(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt", "carl", "dora", "eve")
		s.takes("basic", `"id":"a1"`)
		for _, who := range []string{"bolt", "carl", "dora", "eve"} {
			s.post(subs, askedBy(who, "basic", fmt.Sprintf(`"id":"%c1"`, who[0]))).want(201)
		}
		s.counts("a1", "")
		s.moveTo(aprilDay(10))
		s.post(subs+"/preview", asked("pro")).want(200)
		s.resets()
		s.takes("pro", `"id":"a2"`)
		s.counts("a2", "04-11 cut")
		s.resets("acme  studio 04-11 after 04-01")

		s.cutoff("studio", "NEVER_RESET")
		s.post(subs, askedBy("bolt", "pro", `"id":"b2"`, `"billingPeriod":"ANNUALLY"`)).want(201)
		s.counts("b2", "04-01")
		s.cutoff("studio", "BILLING_PERIOD_CHANGE")
		s.post(subs, askedBy("carl", "pro", `"id":"c2"`)).want(201)
		s.counts("c2", "04-01")
		s.resets("acme  studio 04-11 after 04-01")
		s.post(subs, askedBy("dora", "pro", `"id":"d2"`, `"billingPeriod":"ANNUALLY"`)).want(201)
		s.counts("d2", "04-11 cut")
		s.post(subs, askedBy("eve", "pro", `"id":"e2"`, `"billingCycleAnchor":"NOW"`)).want(201)
		s.counts("e2", "04-11 cut")

		// The next change starts from what this one has left; the rule is that of its own moment.
		s.moveTo(aprilDay(12))
		s.post(subs, askedBy("bolt", "free", `"id":"b3"`)).want(201)
		s.counts("b3", "04-13 cut")
		s.cutoff("studio", "NEVER_RESET")
		s.takes("basic", `"id":"a3"`)
		s.counts("a3", "04-11 cut")
		s.cutoff("studio", "ALWAYS_RESET")
		s.takes("pro", `"id":"a4"`)
		s.counts("a4", "04-13 cut")
		s.resets("acme  studio 04-11 after 04-01", "dora  studio 04-11 after 04-01", "eve  studio 04-11 after 04-01",
			"acme  studio 04-13 after 04-11 cut", "bolt  studio 04-13 after 04-01")
	})
}

func TestScheduledPlanChangeResetsUsageWhenItHappens(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt", "carl", "dora")
		s.settings("studio", lessLater)
		s.takes("pro", `"id":"a1"`)
		s.post(subs, asked("basic")).want(201).has("data.isScheduled", true)
		// A start that lies ahead: in the place of what runs, after a gap, and where the other one ends at that moment.
		for _, who := range []string{"bolt", "carl", "dora"} {
			s.post(subs, askedBy(who, "basic", fmt.Sprintf(`"id":"%c1"`, who[0]))).want(201)
			s.post(subs, askedBy(who, "pro", fmt.Sprintf(`"id":"%c2"`, who[0]), starting(aprilDay(5)))).want(201)
		}
		s.moveTo(aprilDay(2))
		s.cancels("c1", `{}`)
		s.cancels("d1", onDate(aprilDay(5)))
		s.moveTo(aprilDay(6))
		for sub, from := range map[string]string{"b2": "04-06 cut", "c2": "", "d2": "04-06 cut"} {
			s.shows(sub, "data.status", "ACTIVE")
			s.counts(sub, from)
		}
		s.counts("a1", "")
		s.moveTo(aprilDay(33))
		s.shows(s.subscriptionOf("acme"), "data.planId", "basic", "data.status", "ACTIVE")
		s.counts(s.subscriptionOf("acme"), "05-01 cut")
		s.resets("bolt  studio 04-06 after 04-01", "dora  studio 04-06 after 04-01", "acme  studio 05-01 after 04-01")
	})
}

func TestUsageAfterTrials(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt", "carl", "dora", "eve", "finn")
		s.settings("studio", toFree)
		// By conversion it stays the same subscription; the end leads to the free plan.
		s.takes("keep", `"id":"a1"`)
		s.post(subs, askedBy("bolt", "try", `"id":"b1"`)).want(201)
		// Others come in the place of a trial: a paid plan, another trial, and a free one for its end.
		s.post(subs, askedBy("carl", "try", `"id":"c1"`)).want(201)
		s.post(subs, askedBy("dora", "try", `"id":"d1"`)).want(201)
		s.post(subs, askedBy("eve", "try", `"id":"e1"`)).want(201)
		s.post(subs, askedBy("eve", "free", `"id":"e2"`, `"scheduleStrategy":"END_OF_BILLING_PERIOD"`)).want(201).has("data.isScheduled", true)
		// A trial beside a subscription takes nobody's place before it is converted.
		s.post(subs, askedBy("finn", "basic", `"id":"f1"`)).want(201)
		s.moveTo(aprilDay(3))
		s.post(subs, askedBy("carl", "basic", `"id":"c2"`)).want(201)
		s.counts("c2", "04-04 cut")
		s.post(subs, askedBy("dora", "pro", `"id":"d2"`, tried(aprilDay(9)))).want(201).has("data.subscription.status", "IN_TRIAL")
		s.counts("d2", "04-04 cut")
		s.post(subs, askedBy("finn", "pro", `"id":"f2"`, tried(aprilDay(9)))).want(201).has("data.subscription.status", "IN_TRIAL")
		s.counts("f2", "")
		s.moveTo(aprilDay(5))
		s.changes("f2", `{"trialEndDate":null}`).has("data.status", "ACTIVE")
		s.shows("f1", "data.status", "CANCELED")
		s.counts("f2", "04-06 cut")
		s.moveTo(aprilDay(11))
		s.shows("a1", "data.status", "ACTIVE")
		s.counts("a1", "")
		s.shows(s.subscriptionOf("bolt"), "data.planId", "free", "data.status", "ACTIVE")
		s.counts(s.subscriptionOf("bolt"), "04-11 cut")
		s.shows("e2", "data.status", "ACTIVE", "data.startDate", stamp(aprilDay(10)))
		s.counts("e2", "04-11 cut")
		s.counts(s.subscriptionOf("dora"), "04-10 cut")
		s.resets("carl  studio 04-04 after 04-01", "dora  studio 04-04 after 04-01", "finn  studio 04-06 after 04-01",
			"dora  studio 04-10 after 04-04 cut", "bolt  studio 04-11 after 04-01", "eve  studio 04-11 after 04-01")
	})
}

func TestUsageAfterACancellation(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", toFree)
		s.takes("pro", `"id":"a1"`)
		s.moveTo(aprilDay(2))
		s.cancels("a1", `{}`)
		s.counts(s.subscriptionOf("acme"), "04-03 cut")
		s.cutoff("studio", "NEVER_RESET")
		s.takes("pro", `"id":"a2"`)
		s.cancels("a2", atEnd)
		s.moveTo(aprilDay(40))
		s.shows(s.subscriptionOf("acme"), "data.planId", "free", "data.status", "ACTIVE")
		s.counts(s.subscriptionOf("acme"), "04-03 cut")
		s.cutoff("studio", "ALWAYS_RESET")
		s.cancels(s.subscriptionOf("acme"), `{"cancellationAction":"REVOKE_ENTITLEMENTS"}`)
		s.moveTo(aprilDay(41))
		s.takes("pro", `"id":"a3"`) // after nothing
		s.counts("a3", "")
		s.resets("acme  studio 04-03 after 04-01")
	})
}

// What keeps the plan leaves usage alone, and so does a change that is taken back.
func TestUsageGoesOnWithThePlan(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("basic", `"id":"a1"`)
		s.takes("hall", `"id":"r1"`, `"resourceId":"red"`)
		s.moveTo(aprilDay(5))
		s.changes("a1", `{`+addons("boost", 2)+`}`)
		s.changes("a1", `{"billingPeriod":"ANNUALLY"}`)
		s.edit(plans+"/basic", `{"displayName":"Basic 2"}`)
		s.publish("basic")
		s.post(subs+"/a1/migrate", `{}`).want(200).has("data.planVersion", 2)
		s.post(subs, asked("basic", `"billingPeriod":"MONTHLY"`)).want(201).has("data.id", "a1")
		s.post(subs+"/r1/transfer", `{"destinationResourceId":"blue"}`).want(200)
		s.takes("pro", `"id":"later"`, starting(aprilDay(50)))
		s.cancels("later", `{}`)
		s.moveTo(aprilDay(45))
		s.counts("a1", "")
		s.counts("r1", "")
		s.resets()
		s.takes("room", `"id":"r2"`, `"resourceId":"blue"`)
		s.counts("r2", "05-16 cut")
		s.resets("acme blue rooms 05-16 after 04-01")
	})
}

// A change that waits for its payment resets usage once that has come; what was never paid does not count as a plan.
func TestUsageAfterAPayment(t *testing.T) {
	billed(t, func(t *testing.T, s *server, p *provider) {
		from := begin.Format("01-02")
		p.give("acme")
		p.give("bolt")
		s.post(subscriptions, take("acme", "gold", `"id":"a1"`)).want(201)
		p.outcome = subscription.ChargeFailed
		s.post(subscriptions, take("bolt", "gold", `"id":"b1"`)).want(402)
		s.moveTo(begin.Add(time.Hour))
		s.post(subscriptions, take("acme", "two", `"billingPeriod":"ANNUALLY"`, `"id":"a2"`)).want(402)
		s.resets()
		p.outcome = ""
		s.post(subscriptions, take("acme", "two", `"billingPeriod":"ANNUALLY"`, `"id":"a3"`)).want(201)
		s.counts("a3", from+" cut")
		s.post(subscriptions, take("bolt", "base", `"id":"b2"`)).want(201)
		s.shows("b1", "data.status", "CANCELED")
		s.counts("b2", "")
		s.resets("acme  " + s.shows("a3").text("data.productId") + " " + from + " after " + from)
	})
}

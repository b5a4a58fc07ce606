package apitest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shopper is a product that was drawn, with a customer who tries everything and a twin who follows.
type shopper struct {
	*rapid.T
	s              *server
	n              int
	currency       string
	plans, annual  map[string]bool // by plan: is it paid, has it annual prices
	seats          map[string]bool
	addons         []string
	customer, twin string
}

// amount draws one in the currency's minor units, or a little finer.
func (m *shopper) amount(name string) string {
	n := rapid.IntRange(0, 9999).Draw(m.T, name)
	switch m.currency {
	case "jpy":
		return fmt.Sprintf(`{"amount":%d,"currency":"jpy"}`, n)
	case "kwd":
		return fmt.Sprintf(`{"amount":%d.%03d,"currency":"kwd"}`, n/100, n%100*7)
	}
	return fmt.Sprintf(`{"amount":%d.%02d%s,"currency":"usd"}`, n/100, n%100, rapid.SampledFrom([]string{"", "", "5", "125"}).Draw(m.T, "finer"))
}

// sum draws an amount without digits after the point.
func (m *shopper) sum(name string) string {
	return fmt.Sprintf(`{"amount":%d,"currency":%q}`, rapid.IntRange(1, 99).Draw(m.T, name), m.currency)
}

// prices draws the price periods of one charge.
func (m *shopper) prices(annual, units bool, mode string) string {
	var list []string
	for _, period := range []string{"MONTHLY", "ANNUALLY"} {
		if period == "ANNUALLY" && !annual {
			continue
		}
		p := `"price":` + m.amount("price")
		switch {
		case mode != "":
			p = fmt.Sprintf(`"tiers":[{"upTo":3,"unitPrice":%s},{"upTo":7,"unitPrice":%s,"flatPrice":%s},{"unitPrice":%s}]`, m.amount("first"), m.amount("second"), m.amount("flat"), m.amount("last"))
		case units && m.is("blocks"):
			p += `,"blockSize":3`
		}
		list = append(list, fmt.Sprintf(`{"billingPeriod":%q,%s}`, period, p))
	}
	return `"pricePeriods":[` + strings.Join(list, ",") + `]`
}

func (m *shopper) is(name string) bool { return rapid.Bool().Draw(m.T, name) }

func (m *shopper) pick(name string, list ...string) string {
	return rapid.SampledFrom(list).Draw(m.T, name)
}

// charges draws what a package costs.
func (m *shopper) charges(annual bool) (charges string, seats bool) {
	var models []string
	fee := m.is("fee")
	if fee {
		models = append(models, `{"billingModel":"FLAT_FEE",`+m.prices(annual, false, "")+`}`)
	}
	if m.is("once") {
		models = append(models, `{"billingModel":"FLAT_FEE","billingCadence":"ONE_OFF",`+m.prices(annual, false, "")+`}`)
	}
	if seats = m.is("seats"); seats {
		mode := m.pick("mode", "", "VOLUME", "GRADUATED")
		how := ""
		if mode != "" {
			how = fmt.Sprintf(`,"tiersMode":%q`, mode)
		}
		models = append(models, `{"billingModel":"PER_UNIT","featureId":"seats","minUnitQuantity":1,"maxUnitQuantity":30`+how+`,`+m.prices(annual, true, mode)+`}`)
	}
	least := ""
	if !fee && !seats || m.is("minimum spend") {
		list := []string{`{"billingPeriod":"MONTHLY","minimum":` + m.sum("minimum") + `}`}
		if annual {
			list = append(list, `{"billingPeriod":"ANNUALLY","minimum":`+m.sum("minimum")+`}`)
		}
		least = `,"minimumSpend":[` + strings.Join(list, ",") + `]`
	}
	return fmt.Sprintf(`{"pricingType":"PAID","pricingModels":[%s]%s}`, strings.Join(models, ","), least), seats
}

// open draws a product and applies it.
func (m *shopper) open() {
	product := fmt.Sprintf("p-%d", m.n)
	var plans, addons []string
	for i := range rapid.IntRange(0, 2).Draw(m.T, "addons") {
		id := fmt.Sprintf("%s-addon-%d", product, i)
		charges, _ := m.charges(true)
		m.addons = append(m.addons, id)
		addons = append(addons, fmt.Sprintf(`{"id":%q,"productId":%q,"displayName":%q,"maxQuantity":5,"charges":%s}`, id, product, id, charges))
	}
	for i := range rapid.IntRange(1, 3).Draw(m.T, "plans") {
		id := fmt.Sprintf("%s-%d", product, i)
		charges := `{"pricingType":"FREE"}`
		if m.plans[id] = i > 0 || m.is("paid"); m.plans[id] {
			m.annual[id] = m.is("annual")
			charges, m.seats[id] = m.charges(m.annual[id])
		}
		trial := ""
		if m.plans[id] && m.pick("trial", "none", "none", "trial") == "trial" {
			trial = `,"defaultTrialConfig":{"duration":9,"units":"DAY","trialEndBehavior":"CONVERT_TO_PAID"}`
		}
		plans = append(plans, fmt.Sprintf(`{"id":%q,"productId":%q,"displayName":%q,"compatibleAddonIds":%s,"charges":%s%s}`, id, product, id, encode(append([]string{}, m.addons...)), charges, trial))
	}
	body := fmt.Sprintf(`{"formatVersion":1,"features":[{"id":"seats","displayName":"Seats","featureType":"NUMBER","meterType":"FLUCTUATING"}],
		"products":[{"id":%q,"displayName":%q,"productSettings":{"subscriptionDowngradeTime":%q,"subscriptionCancellationTime":"END_OF_BILLING_PERIOD"}}],
		"addons":[%s],"plans":[%s],"coupons":[{"id":"part-%d","name":"Part","percentOff":%d},{"id":"off-%d","name":"Off","amountsOff":[%s]}]}`,
		product, product, m.pick("downgrades", "IMMEDIATE", "END_OF_BILLING_PERIOD"), strings.Join(addons, ","), strings.Join(plans, ","),
		m.n, rapid.IntRange(1, 100).Draw(m.T, "percent"), m.n, m.sum("off"))
	m.want(m.s.send("POST", file+"/apply", body), 200)
	m.customer, m.twin = fmt.Sprintf("a-%d", m.n), fmt.Sprintf("b-%d", m.n)
	for _, id := range []string{m.customer, m.twin} {
		m.want(m.s.send("POST", customers, fmt.Sprintf(`{"id":%q}`, id)), 201)
	}
}

func (m *shopper) want(a *answer, status int) *answer {
	m.Helper()
	if a.status != status {
		m.Fatalf("%s: %d, want %d\n%s", a.call, a.status, status, a.raw)
	}
	return a
}

// terms draws members of a provision or of an update of a plan.
func (m *shopper) terms(plan string) map[string]any {
	body := map[string]any{}
	if m.seats[plan] && m.is("charge") {
		body["charges"] = []any{map[string]any{"id": "seats", "type": "FEATURE", "quantity": rapid.IntRange(1, 12).Draw(m.T, "quantity")}}
	}
	if len(m.addons) > 0 && m.is("change add-ons") {
		list := []any{}
		for _, id := range m.addons {
			if n := rapid.IntRange(0, 3).Draw(m.T, id); n > 0 {
				list = append(list, map[string]any{"id": id, "quantity": n})
			}
		}
		body["addons"] = list
	}
	if m.plans[plan] {
		if c := m.pick("coupon", "", "", "part", "off"); c != "" {
			body["appliedCoupon"] = map[string]any{"couponId": fmt.Sprintf("%s-%d", c, m.n)}
		}
		if m.pick("override", "", "", "yes") != "" {
			body["priceOverrides"] = []any{map[string]any{"baseCharge": true, "amount": rapid.IntRange(0, 99).Draw(m.T, "override amount"), "currency": m.currency}}
		}
		if m.pick("spend", "", "", "", "yes") != "" {
			body["minimumSpend"] = json.RawMessage(m.sum("own minimum"))
		}
		if m.pick("anchor", "", "", "", "yes") != "" {
			body["billingCycleAnchor"] = "NOW"
		}
		if p := m.pick("proration", "", "", "", "INVOICE_IMMEDIATELY", "CREATE_PRORATIONS", "NONE"); p != "" {
			body["billingInformation"] = map[string]any{"prorationBehavior": p}
		}
	}
	if when := m.pick("strategy", "", "", "", "IMMEDIATE", "END_OF_BILLING_PERIOD", "END_OF_BILLING_MONTH"); when != "" {
		body["scheduleStrategy"] = when
	}
	return body
}

func (m *shopper) period(plan string) string {
	if m.annual[plan] {
		return m.pick("period", "MONTHLY", "ANNUALLY")
	}
	return "MONTHLY"
}

// step is a change that was drawn: of the subscription that runs, or a provision.
type step struct {
	update bool
	body   map[string]any
}

// running is the subscription of a customer that is neither ended nor waiting; nil for none.
func (m *shopper) running(customer string) *life {
	m.want(m.s.send("GET", customers+"/"+customer, ""), 200) // settles
	var found *life
	for _, l := range m.s.lives(customer) {
		if l.live() && (found == nil || found.Status != "ACTIVE") {
			found = l
		}
	}
	return found
}

func (m *shopper) draw(l *life) step {
	if l != nil && m.is("update") {
		body := m.terms(l.PlanID)
		if l.BillingPeriod != "" && m.is("another period") {
			body["billingPeriod"] = m.period(l.PlanID)
		}
		if l.Status == "IN_TRIAL" && m.is("end the trial") {
			body["trialEndDate"] = nil
		}
		if m.pick("without coupon", "", "", "", "yes") != "" {
			body["appliedCoupon"] = nil
		}
		return step{true, body}
	}
	var ids []string
	for i := range len(m.plans) {
		ids = append(ids, fmt.Sprintf("p-%d-%d", m.n, i))
	}
	plan := m.pick("plan", ids...)
	body := m.terms(plan)
	body["planId"], body["billingPeriod"] = plan, m.period(plan)
	if m.pick("no trial", "", "yes") != "" {
		body["trialOverrideConfiguration"] = map[string]any{"isTrial": false}
	}
	switch m.pick("start", "", "", "", "past", "future") {
	case "past":
		body["startDate"] = m.s.clock.Now().Add(-time.Duration(rapid.IntRange(1, 1000).Draw(m.T, "hours")) * time.Hour)
	case "future":
		body["startDate"] = m.s.clock.Now().Add(time.Duration(rapid.IntRange(1, 1000).Draw(m.T, "hours")) * time.Hour)
	}
	return step{false, body}
}

func (m *shopper) preview(st step, customer string, l *life) *answer {
	if st.update {
		return m.s.send("POST", subscriptions+"/"+l.ID+"/preview", encode(st.body))
	}
	return m.s.send("POST", subscriptions+"/preview", encode(with(st.body, "customerId", customer)))
}

func (m *shopper) carryOut(st step, customer string, l *life) *answer {
	if st.update {
		return m.s.send("PATCH", subscriptions+"/"+l.ID, encode(st.body))
	}
	return m.s.send("POST", subscriptions, encode(with(st.body, "customerId", customer)))
}

func with(body map[string]any, name string, value any) map[string]any {
	more := map[string]any{name: value}
	for k, v := range body {
		more[k] = v
	}
	return more
}

// invoice is one on the wire, as far as a preview and a history agree on it.
type invoice struct {
	SubTotal, Discount, Tax, Total, Credit, FromBalance, AmountDue json.Number
	Lines                                                          []struct {
		Description         string
		Quantity            int64
		UnitPrice, SubTotal json.Number
	}
}

// plainly is an invoice without what nothing says: 0 in any form.
func plainly(v *invoice) string {
	if v == nil || len(v.Lines) == 0 {
		return "nothing"
	}
	sum := func(n json.Number) string { return rat(n).FloatString(5) }
	out := fmt.Sprintf("subTotal %s discount %s total %s credit %s from balance %s due %s", sum(v.SubTotal), sum(v.Discount), sum(v.Total), sum(v.Credit), sum(v.FromBalance), sum(v.AmountDue))
	for _, l := range v.Lines {
		out += fmt.Sprintf("\n  %s: %d × %s = %s", l.Description, l.Quantity, sum(l.UnitPrice), sum(l.SubTotal))
	}
	return out
}

type entry struct {
	At           time.Time
	Type, Reason string
	Invoice      *invoice
}

// told are the entries in the histories of all subscriptions of a customer, by subscription.
func (m *shopper) told(customer string) map[string][]entry {
	all := map[string][]entry{}
	for _, l := range m.s.lives(customer) {
		all[l.ID] = decode[[]entry](m.want(m.s.send("GET", subscriptions+"/"+l.ID+"/history", ""), 200))
	}
	return all
}

// since are the invoices in histories that were not there before.
func since(before, after map[string][]entry) (list []*invoice, all []entry) {
	for id, entries := range after {
		for _, e := range entries[len(before[id]):] {
			if all = append(all, e); e.Invoice != nil {
				list = append(list, e.Invoice)
			}
		}
	}
	return list, all
}

type previewed struct {
	ImmediateInvoice    invoice
	HasScheduledUpdates bool
}

// rows is all that a preview could have changed of a customer.
func (m *shopper) rows(customer string) string {
	return string(m.s.send("GET", customers+"/"+customer, "").raw) + string(m.s.send("GET", subscriptions+"?limit=100&customerId="+customer, "").raw)
}

// try previews a change and makes it; all says that the whole of it waits.
func (m *shopper) try(st step, customer string, l *life) (waits bool) {
	before, rows := m.told(customer), m.rows(customer)
	position := m.s.here()
	p := m.preview(st, customer, l)
	if now := m.rows(customer); now != rows {
		m.Fatalf("%s changed\n%s\nto\n%s", p.call, rows, now)
	}
	if events, _ := m.s.mark(position); len(events) > 0 {
		m.Fatalf("%s was told: %v", p.call, events)
	}
	a := m.carryOut(st, customer, l)
	if p.status >= 300 || a.status >= 300 {
		said := func(a *answer) string {
			var b problemBody
			_ = json.Unmarshal(a.raw, &b)
			return b.Code
		}
		if p.status >= 500 || a.status >= 500 || said(p) != said(a) {
			m.Fatalf("%s of %s: %d %s\n%s: %d %s", p.call, encode(st.body), p.status, p.raw, a.call, a.status, a.raw)
		}
		return false
	}
	want := decode[previewed](p)
	invoices, entries := since(before, m.told(customer))
	got := "nothing"
	for _, v := range invoices {
		if got != "nothing" {
			got += "\nand\n"
		} else {
			got = ""
		}
		got += plainly(v)
	}
	if d := cmp.Diff(plainly(&want.ImmediateInvoice), got); d != "" {
		m.Fatalf("%s of %s at %s (-preview +history):\n%s\nthe subscription was %s\nand then happened %s", p.call, encode(st.body), m.s.clock.Now(), d, encode(l), encode(entries))
	}
	var done struct{ Data struct{ IsScheduled bool } }
	if err := json.Unmarshal(a.raw, &done); err != nil {
		m.Fatal(err)
	}
	if done.Data.IsScheduled && !want.HasScheduledUpdates {
		m.Fatalf("%s is scheduled, and the preview does not say so: %s", a.call, p.raw)
	}
	return want.HasScheduledUpdates && got == "nothing"
}

// stores is how many products are drawn.
const stores = 20

// A preview says what the change then costs, to the last digit, and writes nothing; what waits costs nothing now, and when
// it is due what a preview right then would say.
func TestPreviewIsTheInvoice(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		n, passed, compared, waited := 0, 0, 0, 0
		rapid.Check(t, func(rt *rapid.T) {
			if passed >= stores { // the catalog has grown
				return
			}
			n++
			defer func() {
				if !rt.Failed() {
					passed++
				}
			}()
			m := &shopper{T: rt, s: s, n: n, currency: rapid.SampledFrom([]string{"usd", "usd", "jpy", "kwd"}).Draw(rt, "currency"), plans: map[string]bool{}, annual: map[string]bool{}, seats: map[string]bool{}}
			m.open()
			for range rapid.IntRange(1, 5).Draw(rt, "changes") {
				l, other := m.running(m.customer), m.running(m.twin)
				if (l == nil) != (other == nil) {
					rt.Fatalf("the twin has another subscription")
				}
				st := m.draw(l)
				compared++
				if m.try(st, m.customer, l) {
					if (l == nil || len(l.FutureUpdates) == 0) && m.due(st, l, other) {
						waited++
					}
					return
				}
				m.carryOut(st, m.twin, other)
				s.clock.Add(time.Duration(rapid.IntRange(0, 60*24).Draw(rt, "hours")) * time.Hour)
			}
		})
		t.Logf("%d changes were previewed, %d of them waited and were carried out", compared, waited)
		s.put(testClock, fmt.Sprintf(`{"now":%q}`, stamp(s.clock.Now()))).want(200) // settles
		s.sound()
	})
}

// due waits until what was scheduled is carried out, and compares it with a preview of the twin at that instant.
func (m *shopper) due(st step, was, other *life) bool {
	l := m.running(m.customer)
	if other == nil || l == nil || l.Status != "ACTIVE" || len(l.FutureUpdates) == 0 {
		return false
	}
	if terms := func(l *life) string { return encode([]any{l.Addons, l.Charges, l.Prices, l.Coupons, l.MinimumSpend}) }; was == nil || terms(was) != terms(l) {
		return false // a part of it did not wait, and cost nothing
	}
	at := l.FutureUpdates[0].ScheduledExecutionTime
	for _, u := range l.FutureUpdates {
		if u.ScheduleStatus != "SCHEDULED" || !u.ScheduledExecutionTime.Equal(at) {
			return false
		}
	}
	before := m.told(m.customer)
	m.s.clock.Add(at.Sub(m.s.clock.Now()))
	m.running(m.customer)
	invoices, entries := since(before, m.told(m.customer))
	m.running(m.twin)
	body := with(st.body, "", nil)
	delete(body, "")
	body["scheduleStrategy"] = "IMMEDIATE"
	// What waited is invoiced at once, whatever was asked about proration.
	body["billingInformation"] = map[string]any{"prorationBehavior": "INVOICE_IMMEDIATELY"}
	st.body = body
	p := m.preview(step{st.update, st.body}, m.twin, other)
	failed := false
	for _, e := range entries {
		failed = failed || e.Type == "subscription.update_failed"
	}
	if p.status >= 300 || failed {
		if !failed {
			m.Fatalf("%s of %s: %d %s; it happened %s", p.call, encode(st.body), p.status, p.raw, encode(entries))
		}
		return false
	}
	got := "nothing"
	if len(invoices) > 0 {
		got = plainly(invoices[0])
	}
	then := decode[previewed](p).ImmediateInvoice
	if d := cmp.Diff(plainly(&then), got); d != "" || len(invoices) > 1 {
		m.Fatalf("%s of %s at %s (-preview then +history):\n%s\nthe subscription was %s\nand then happened %s", p.call, encode(st.body), at, d, encode(l), encode(entries))
	}
	return true
}

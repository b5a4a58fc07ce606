package apitest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

const subscriptions = "/api/v1/subscriptions"

// seedEnv repeats the choices of an earlier run, or with "random" makes others: without it every run makes the same, so that
// nobody's change is stopped by somebody else's luck.
const seedEnv = "PURSER_TEST_SEED"

// usualSeed is the seed of runs that name none.
const usualSeed = 13114207574892829911

// dice are the choices of a run. They follow from a seed, which is printed.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	n := uint64(usualSeed)
	if s := os.Getenv(seedEnv); s == "random" {
		n = rand.Uint64()
	} else if s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedEnv, err)
		}
	}
	t.Logf("%s=%d", seedEnv, n)
	return rand.New(rand.NewPCG(n, 1))
}

// one draws one of a list.
func one[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// maybe is true in one of n cases.
func maybe(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

// life is a subscription as a caller sees it.
type life struct {
	ID, CustomerID, ProductID, PlanID string
	PlanVersion                       int64
	ResourceID                        string
	PricingType, Status               string
	StartDate                         time.Time
	EndDate, TrialEndDate             *time.Time
	CancellationDate                  *time.Time
	CancelReason, BillingPeriod       string
	BillingCycleAnchor                *time.Time
	CurrentBillingPeriodStart         *time.Time
	CurrentBillingPeriodEnd           *time.Time
	PayingCustomerID                  string
	Addons                            []struct {
		ID       string
		Quantity int64
	}
	Charges []struct {
		ID, Type string
		Quantity int64
	}
	Prices []struct {
		AddonID, FeatureID, BillingModel, BillingCadence, Currency string
		Amount                                                     json.Number
	}
	MinimumSpend *struct{ Amount json.Number }
	Coupons      []struct {
		ID, Status string
		PercentOff int64
	}
	FutureUpdates []struct {
		SubscriptionScheduleType, ScheduleStatus string
		ScheduledExecutionTime                   time.Time
		PlanID                                   string
	}
	Version   int64
	CreatedAt time.Time

	seen time.Time // when it was read
}

func (l *life) live() bool  { return l.Status == "ACTIVE" || l.Status == "IN_TRIAL" }
func (l *life) ended() bool { return l.Status == "CANCELED" || l.Status == "EXPIRED" }

// decode reads a value out of an answer's data.
func decode[T any](a *answer) (v T) {
	a.t.Helper()
	var body struct{ Data *T }
	body.Data = &v
	if err := json.Unmarshal(a.raw, &body); err != nil {
		a.t.Fatalf("%s: %v\n%s", a.call, err, a.raw)
	}
	return v
}

// lives reads all subscriptions of a customer.
func (c caller) lives(customer string) (list []*life) {
	c.t.Helper()
	for after := ""; ; {
		a := c.send("GET", subscriptions+"?limit=100&customerId="+customer+after, "")
		list = append(list, decode[[]*life](a.want(200))...)
		var next struct{ Pagination struct{ Next string } }
		if err := json.Unmarshal(a.raw, &next); err != nil {
			c.t.Fatal(err)
		}
		if next.Pagination.Next == "" {
			return list
		}
		after = "&after=" + next.Pagination.Next
	}
}

// told is an event of a subscription.
type told struct {
	event
	of      life // afterwards, as far as the event says
	Reason  string
	Invoice *bill
}

// bill is an invoice as events tell of it.
type bill struct {
	Currency                                       string
	Lines                                          []billLine
	SubTotal, Discount, Total, Credit, FromBalance json.Number
	AmountDue                                      json.Number
	Start, End                                     time.Time
	Deferred                                       bool
}

type billLine struct {
	Description      string
	Quantity         int64
	Amount, Discount json.Number
}

// split sums what an invoice gives back and what it charges, both 0 or more and net of discounts.
func (b *bill) split() (back, charged *big.Rat) {
	back, charged = new(big.Rat), new(big.Rat)
	for _, l := range b.Lines {
		net := new(big.Rat).Sub(rat(l.Amount), rat(l.Discount))
		if rat(l.Amount).Sign() < 0 {
			back.Sub(back, net)
		} else {
			charged.Add(charged, net)
		}
	}
	return back, charged
}

func rat(n json.Number) *big.Rat {
	if n == "" {
		return new(big.Rat)
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		panic("no number: " + n)
	}
	return r
}

// about reads an event of a subscription; ok is false for other events.
func (e event) about(t testing.TB) (x told, ok bool) {
	t.Helper()
	if e.Entity.Type != "subscription" {
		return x, false
	}
	var body struct {
		life
		Reason  string
		Invoice *bill
	}
	if err := json.Unmarshal(e.Payload, &body); err != nil {
		t.Fatalf("%s: %v\n%s", e, err, e.Payload)
	}
	body.ID, body.Version = e.Entity.ID, e.Version
	return told{e, body.life, body.Reason, body.Invoice}, true
}

// scoped says what of §9.2 does not hold for the subscriptions of one customer, and what else cannot be at an instant.
func scoped(list []*life, now time.Time) (issues []string) {
	say := func(l *life, format string, args ...any) {
		issues = append(issues, fmt.Sprintf("%s (%s, %s): %s", l.ID, l.PlanID, l.Status, fmt.Sprintf(format, args...)))
	}
	taken := map[[3]string]string{}
	for _, l := range list {
		if !l.ended() {
			place := map[string]string{"ACTIVE": "running", "PAYMENT_PENDING": "running"}[l.Status]
			if place == "" {
				place = l.Status
			}
			at := [3]string{l.ProductID, l.ResourceID, place}
			if other := taken[at]; other != "" {
				say(l, "beside %s", other)
			}
			taken[at] = l.ID
		}
		scheduled := 0
		for _, u := range l.FutureUpdates {
			if u.ScheduleStatus == "SCHEDULED" {
				scheduled++
				if !u.ScheduledExecutionTime.After(now) {
					say(l, "the update of %s waits at %s", u.ScheduledExecutionTime, now)
				}
			}
		}
		if l.ended() {
			switch {
			case l.EndDate == nil || l.EndDate.After(now):
				say(l, "it ended at %v", l.EndDate)
			case l.CancelReason == "":
				say(l, "no reason")
			case scheduled > 0:
				say(l, "%d scheduled updates", scheduled)
			case l.CurrentBillingPeriodStart != nil:
				say(l, "it has a billing period")
			}
			continue
		}
		switch {
		case l.EndDate != nil || l.CancelReason != "":
			say(l, "it has an end: %v %s", l.EndDate, l.CancelReason)
		case l.Status == "IN_TRIAL" && (l.TrialEndDate == nil || !l.TrialEndDate.After(now)):
			say(l, "the trial ends at %v", l.TrialEndDate)
		case l.Status == "NOT_STARTED" && !l.StartDate.After(now):
			say(l, "it starts at %s", l.StartDate)
		case l.Status != "NOT_STARTED" && l.StartDate.After(now):
			say(l, "it starts at %s", l.StartDate)
		case l.CancellationDate != nil && !l.CancellationDate.After(now):
			say(l, "it was to end at %s", l.CancellationDate)
		}
	}
	return issues
}

// arrows are the transitions of §9.6.
var arrows = map[string][]string{
	"":                {"NOT_STARTED", "PAYMENT_PENDING", "IN_TRIAL", "ACTIVE"},
	"NOT_STARTED":     {"PAYMENT_PENDING", "IN_TRIAL", "ACTIVE", "CANCELED"},
	"PAYMENT_PENDING": {"ACTIVE", "CANCELED"},
	"IN_TRIAL":        {"ACTIVE", "CANCELED", "EXPIRED"},
	"ACTIVE":          {"CANCELED", "EXPIRED"},
}

// follow checks the next event of a subscription against the one before; nil for the first.
func follow(before *told, e told) (issues []string) {
	was, version := "", int64(0)
	if before != nil {
		was, version = before.of.Status, before.Version
		if e.At.Before(before.At) {
			issues = append(issues, fmt.Sprintf("%s at %s comes after one of %s", e, e.At, before.At))
		}
	}
	if e.of.Status != was && !slices.Contains(arrows[was], e.of.Status) {
		issues = append(issues, fmt.Sprintf("%s: %q becomes %s", e, was, e.of.Status))
	}
	if d := e.Version - version; d < 0 || d > 1 || before == nil && d != 1 {
		issues = append(issues, fmt.Sprintf("%s: version %d follows %d", e, e.Version, version))
	}
	return issues
}

// zones are those that accounts of tests bill months in.
var zones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"}

// boundary is the n-th beginning of a period, counted from the first that is not before the anchor: written down anew.
func boundary(anchor time.Time, period, zone string, n int) time.Time {
	if period == "ANNUALLY" {
		n *= 12
	}
	anchor = anchor.UTC()
	if zone == "" {
		first := time.Date(anchor.Year(), anchor.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		return time.Date(first.Year(), first.Month(), min(anchor.Day(), last), anchor.Hour(), anchor.Minute(), anchor.Second(), anchor.Nanosecond(), time.UTC)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	in := anchor.In(loc)
	start := time.Date(in.Year(), in.Month(), 1, 0, 0, 0, 0, loc)
	if start.Before(anchor) {
		start = time.Date(in.Year(), in.Month()+1, 1, 0, 0, 0, 0, loc)
	}
	return time.Date(start.Year(), start.Month()+time.Month(n), 1, 0, 0, 0, 0, loc).UTC()
}

// periodAt is the billing period that contains an instant.
func periodAt(anchor time.Time, period, zone string, now time.Time) (start, end time.Time) {
	start, end = anchor.UTC(), boundary(anchor, period, zone, 0)
	for n := 1; !end.After(now) || !end.After(start); n++ {
		start, end = end, boundary(anchor, period, zone, n)
	}
	return start, end
}

// zone finds the grid that a subscription's billing period fits; ok is false for none.
func (l *life) zone() (zone string, ok bool) {
	for _, z := range append([]string{""}, zones...) {
		start, end := periodAt(*l.BillingCycleAnchor, l.BillingPeriod, z, l.seen)
		if start.Equal(*l.CurrentBillingPeriodStart) && end.Equal(*l.CurrentBillingPeriodEnd) {
			return z, true
		}
	}
	return "", false
}

// billed reports whether there is a billing period.
func (l *life) billed() bool { return l.CurrentBillingPeriodStart != nil }

// whole is what the subscription costs for one whole billing period, without and with its discount. unsure is true where
// the discount may have been another one in an earlier period.
func (l *life) whole() (gross, net *big.Rat, unsure bool) {
	gross = new(big.Rat)
	for _, p := range l.Prices {
		if p.BillingCadence == "ONE_OFF" || p.BillingModel == "MINIMUM_SPEND" && l.MinimumSpend != nil && p.AddonID == "" {
			continue
		}
		n := int64(1)
		if p.BillingModel == "PER_UNIT" {
			for _, q := range l.Charges {
				if q.ID == p.FeatureID {
					n = q.Quantity
				}
			}
		}
		for _, a := range l.Addons {
			if a.ID == p.AddonID {
				n *= a.Quantity
			}
		}
		gross.Add(gross, new(big.Rat).Mul(rat(p.Amount), big.NewRat(n, 1)))
	}
	if l.MinimumSpend != nil {
		gross.Add(gross, rat(l.MinimumSpend.Amount))
	}
	net = gross
	for _, c := range l.Coupons {
		switch {
		case c.Status == "ACTIVE" && c.PercentOff > 0:
			net = new(big.Rat).Mul(gross, big.NewRat(100-c.PercentOff, 100))
		default:
			unsure = true
		}
	}
	return gross, net, unsure
}

package subscription

import (
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Used is what was used of a feature in a billing period, in whole units.
type Used struct {
	Units  int64
	Beyond int64 // of these, the ones that are not included
}

// SpendLine is what the usage of one feature comes to by one charge.
type SpendLine struct {
	Charge
	Units  int64 // that are charged
	Amount money.Money
}

// ByUsage reports whether the charge is for usage, and in money: all of it, or what is not included.
func (c *Charge) ByUsage() bool {
	return (c.Overage || c.BillingModel == catalog.UsageBased) && c.FeatureRefID != "" && c.Currency() != ""
}

// Spend is what usage comes to by the charges of a subscription, by feature refId: each line rounded as on an invoice, and
// the sum. There is one usage of a feature: how many there are of an add-on does not multiply it. What was used less than
// nothing costs nothing.
func Spend(charges []Charge, used map[string]Used) (lines []SpendLine, sum money.Decimal, err error) {
	for i := range charges {
		c := &charges[i]
		if !c.ByUsage() {
			continue
		}
		l := SpendLine{Charge: *c, Units: used[c.FeatureRefID].Units}
		if c.Overage {
			l.Units = used[c.FeatureRefID].Beyond
		}
		if l.Units <= 0 {
			continue
		}
		if l.Amount, err = catalog.Amount(c.Price, money.FromInt(l.Units)); err != nil {
			return nil, sum, fmt.Errorf("usage of %s: %w", c.FeatureRefID, err)
		}
		lines, sum = append(lines, l), sum.Add(l.Amount.Amount)
	}
	return lines, sum, nil
}

// SpendSpan is the time whose usage counts as spent at now: the billing period, from when the subscription began or usage
// was set back. A trial, and what is billed in no periods, is one period without an end.
func (s *Subscription) SpendSpan(now time.Time) (from time.Time, until *time.Time) {
	from = s.StartDate
	if o := s.UsageFrom; o != nil && o.Cut && o.Anchor.After(from) {
		from = o.Anchor
	}
	start, end, ok := s.Period(now)
	if !ok {
		return from, nil
	}
	if start.After(from) {
		from = start
	}
	return from, &end
}

// HardBudget is the most that the subscription may spend in a period; nil for no bound. The trial's own counts where
// nothing else was agreed.
func (s *Subscription) HardBudget(trial *catalog.Trial) *money.Decimal {
	switch {
	case s.Budget != nil && !s.Budget.Soft:
		return &s.Budget.Limit
	case s.Budget == nil && s.Status == InTrial && trial != nil && trial.Budget != nil && !trial.Budget.Soft:
		return &trial.Budget.Limit
	}
	return nil
}

package provisioning

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// runUpdates carries out the scheduled updates of a subscription that have become due, on the versions that are the latest
// now. What cannot be carried out leaves the subscription as it is and says so (domain-catalog-provisioning §9.9).
func (b *book) runUpdates(p *entry) error {
	return b.carryOut(p, func(f subscription.FutureUpdate) bool { return f.Status == subscription.Scheduled && !f.At.After(b.at) })
}

// carryOut carries out some of a subscription's future updates.
func (b *book) carryOut(p *entry, which func(subscription.FutureUpdate) bool) error {
	due, rest := []subscription.FutureUpdate{}, []subscription.FutureUpdate{}
	for _, f := range p.FutureUpdates {
		if which(f) {
			due = append(due, f)
		} else {
			rest = append(rest, f)
		}
	}
	if len(due) == 0 {
		return nil
	}
	before := p.Version
	err := b.attempt(func() error {
		p.FutureUpdates, p.changed = rest, true
		if i := slices.IndexFunc(due, subscription.FutureUpdate.IsPlan); i >= 0 {
			return b.runPlan(p, due[i])
		}
		return b.runModifications(p, due)
	})
	var refused *errs.Error
	switch {
	case err == nil && p.Status.Ended():
		return nil
	case err == nil:
		ch := subscription.Change{Subscription: p.Subscription}
		if p.Version == before { // it was as scheduled already
			ch = subscription.Updated(p.Subscription, b.at, subscription.Note{Reason: "SCHEDULE_DONE"})
		}
		ch.PlanUpdates()
		b.write(p, ch)
		return nil
	case errors.As(err, &refused) && refused.Kind != errs.Internal && refused.Kind != errs.Unavailable:
		b.fail(p, due, rest, refused)
		return nil
	}
	return err
}

// fail keeps updates listed that could not be carried out.
func (b *book) fail(p *entry, due, rest []subscription.FutureUpdate, why *errs.Error) {
	s := p.Subscription
	s.FutureUpdates = slices.Clone(rest)
	for i := range due {
		due[i].Status, due[i].Error = subscription.UpdateFailed, why.Code+": "+why.Message
	}
	s.Schedule(func(subscription.FutureUpdate) bool { return true }, due...)
	ch := subscription.FailUpdate(s, b.at, why.Code+": "+why.Message)
	ch.PlanUpdates()
	b.write(p, ch)
}

// runPlan replaces a subscription by that to the plan that was scheduled.
func (b *book) runPlan(p *entry, f subscription.FutureUpdate) error {
	var in Params
	if err := json.Unmarshal(f.Change.Plan, &in); err != nil {
		return fmt.Errorf("read a change of the plan: %w", err)
	}
	if f.Status == subscription.Scheduled { // a period begins, or what was asked for would make the rest of it free
		in.Proration = subscription.InvoiceImmediately
	}
	if in.ResourceID = nil; p.Resource != "" { // it may have been transferred
		in.ResourceID = &p.Resource
	}
	cat, err := b.cat()
	if err != nil {
		return err
	}
	product, plan, err := requested(cat, in)
	if err != nil {
		return err
	}
	t, err := b.terms(in, plan, false)
	if err != nil {
		return err
	}
	n, err := b.newSubscription(in, product, t)
	if err != nil {
		return err
	}
	if n.History, err = b.history(product.ID, product.RefID); err != nil {
		return err
	}
	here, err := b.place(product.ID, p.Resource)
	if err != nil {
		return err
	}
	b.carryOver(&n, in, here)
	if err := b.checkDates(in, n); err != nil {
		return err
	}
	res, err := b.start(in, subscription.Create(n, b.at), here)
	b.became = res.entry
	return err
}

// runModifications changes a subscription as its scheduled updates say, all at once.
func (b *book) runModifications(p *entry, due []subscription.FutureUpdate) error {
	u := Update{}
	m := subscription.Modification{}
	migrate := false
	for _, f := range due {
		c := f.Change
		if f.Type == subscription.ScheduleMigration {
			migrate = true
		}
		if c.BillingPeriod != "" {
			u.BillingPeriod = c.BillingPeriod
		}
		if c.Addons != nil {
			u.Addons = c.Addons
		}
		u.Charges = overlay(u.Charges, c.Quantities)
		u.RestartCycle = u.RestartCycle || c.RestartCycle
		m = m.Merge(c)
	}
	if migrate {
		if err := b.migrate(p); err != nil {
			return err
		}
	}
	from, to, err := b.wanted(p, u)
	if err != nil {
		return err
	}
	diffs := subscription.Differences(from, to)
	_, err = b.modify(p, m, to, overall(diffs), u.RestartCycle, subscription.InvoiceImmediately)
	return err
}

// attempt runs a part of the book's work and takes it back when it fails.
func (b *book) attempt(work func() error) error {
	entries := make([]entry, len(b.entries))
	for i, p := range b.entries {
		entries[i] = *p
	}
	before, c := *b, *b.c
	c.Balance, c.Trialed = maps.Clone(c.Balance), slices.Clone(c.Trialed)
	before.timers, before.due, before.dropped = slices.Clone(b.timers), slices.Clone(b.due), slices.Clone(b.dropped)
	list := slices.Clone(b.entries)
	err := work()
	if err == nil {
		return nil
	}
	customer := b.c
	*customer = c
	events, resources := b.events[:len(before.events)], b.resources[:len(before.resources)]
	*b = before
	b.c, b.entries, b.events, b.resources = customer, list, events, resources
	for i, p := range b.entries {
		*p = entries[i]
	}
	return err
}

// CancelSchedule drops the scheduled updates of a subscription: it stays as it is. Without any it changes nothing.
func (s *Service) CancelSchedule(ctx context.Context, env tenant.ID, ref string) (View, error) {
	return s.dropUpdates(ctx, env, ref, subscription.Scheduled)
}

// CancelPendingPayment drops an update that waits for its payment. Without one it changes nothing.
func (s *Service) CancelPendingPayment(ctx context.Context, env tenant.ID, ref string) (View, error) {
	return s.dropUpdates(ctx, env, ref, subscription.WaitsForPayment)
}

func (s *Service) dropUpdates(ctx context.Context, env tenant.ID, ref, status string) (View, error) {
	return s.onSubscription(ctx, env, ref, nil, func(b *book, p *entry) error {
		gone := func(f subscription.FutureUpdate) bool { return f.Status == status }
		if !slices.ContainsFunc(p.FutureUpdates, gone) {
			return nil
		}
		next := p.Subscription
		next.FutureUpdates = slices.DeleteFunc(slices.Clone(next.FutureUpdates), gone)
		if status == subscription.WaitsForPayment {
			next.NothingDue()
		}
		ch := subscription.Updated(next, b.at, subscription.Note{Reason: "SCHEDULE_CANCELED"})
		ch.PlanUpdates()
		b.write(p, ch)
		return nil
	})
}

// MigrateRequest moves one subscription to the latest versions.
type MigrateRequest struct {
	AtEnd     bool // of the billing period
	IfVersion *int64
}

// Migrate moves a subscription to the latest versions of its plan and add-ons, prices included, now or at the end of the
// billing period (domain-catalog-provisioning §4.3). One that is there already stays as it is.
func (s *Service) Migrate(ctx context.Context, env tenant.ID, ref string, in MigrateRequest) (View, error) {
	return s.onSubscription(ctx, env, ref, in.IfVersion, func(b *book, p *entry) error {
		sale, latest, err := b.latest(p)
		if err != nil || latest {
			return err
		}
		if err := mayMigrate(p, sale.Plan.Latest); err != nil {
			return err
		}
		if !in.AtEnd {
			return b.migrate(p)
		}
		at, atOnce, err := p.EffectiveAt(subscription.Neutral, subscription.EndOfBillingPeriod, "", b.at)
		if err != nil {
			return err
		}
		if atOnce {
			return b.migrate(p)
		}
		next := p.Subscription
		if slices.ContainsFunc(next.Pending(), func(f subscription.FutureUpdate) bool {
			return f.Type == subscription.ScheduleMigration && f.At.Equal(at)
		}) {
			return nil
		}
		next.Schedule(func(f subscription.FutureUpdate) bool { return f.Type != subscription.ScheduleMigration }, subscription.FutureUpdate{
			Type: subscription.ScheduleMigration, Status: subscription.Scheduled, At: at, PlanRef: p.PlanRef,
		})
		ch := subscription.Updated(next, b.at, subscription.Note{Reason: "UPDATE_SCHEDULED"})
		ch.PlanUpdates()
		b.write(p, ch)
		return nil
	})
}

// latest is what a subscription would have in the latest versions; same says that it has that, and pays its prices.
func (b *book) latest(p *entry) (sale subscription.Sale, same bool, err error) {
	cat, err := b.cat()
	if err != nil {
		return sale, false, err
	}
	plan, ok := cat.PackageByID(p.PlanID)
	if !ok || plan.Latest == nil {
		return sale, false, fmt.Errorf("plan %s is missing", p.PlanID)
	}
	sale = subscription.Sale{
		Plan: *plan, Bases: cat.Bases(plan.Latest), Addons: latestAddons(cat, p.Subscription), Country: p.Country, BillingPeriod: p.BillingPeriod,
	}
	same = p.VersionID == plan.Latest.ID && p.PriceVersionID == plan.Latest.ID &&
		slices.EqualFunc(p.Bases, sale.Bases, func(id string, v *catalog.Version) bool { return id == v.ID })
	for _, a := range p.Addons {
		addon, ok := cat.PackageByID(a.PackageID)
		same = same && ok && addon.Latest != nil && a.VersionID == addon.Latest.ID && a.PriceVersionID == addon.Latest.ID
	}
	return sale, same || p.Status == subscription.NotStarted, nil
}

// mayMigrate refuses a plan whose type has changed so that quantities or values would be needed (§4.3 step 4), or that is
// no longer sold for the subscription's billing period.
func mayMigrate(p *entry, to *catalog.Version) error {
	from := p.PricingType
	switch {
	case from == catalog.Free && to.PricingType != catalog.Free, from == catalog.Custom && to.PricingType == catalog.Paid:
		return errs.InvalidArgument.Because("The plan %s was %s and is %s now: provision it anew, since quantities or values are needed.", p.PlanRef, from, to.PricingType)
	case to.PricingType == catalog.Paid && p.BillingPeriod != "" && !slices.Contains(to.BillingPeriods(), p.BillingPeriod):
		return catalog.ErrPriceNotFound.Because("The plan %s is no longer sold for %s.", p.PlanRef, p.BillingPeriod)
	}
	return nil
}

// begins lets a billing cycle begin where a change gives a subscription another billing period, and is its first period.
func (b *book) begins(p *entry, ch *subscription.Change) *subscription.Span {
	if s := &ch.Subscription; s.BillingPeriod != p.BillingPeriod && s.BillingPeriod != "" {
		zone := s.Zone
		ch.RestartCycle(b.at)
		s.Zone = zone
	}
	cycle, ok := ch.Subscription.Cycle()
	if was, billed := p.Cycle(); !ok || billed && was.Period == cycle.Period {
		return nil
	}
	span := cycle.At(b.at)
	return &span
}

// migrate moves a subscription to the latest versions now, and charges the difference. Overridden prices stay.
func (b *book) migrate(p *entry) error {
	sale, same, err := b.latest(p)
	if err != nil || same {
		return err
	}
	if err := mayMigrate(p, sale.Plan.Latest); err != nil {
		return err
	}
	in, err := b.chargingOf(&p.Subscription, b.proration(""))
	if err != nil {
		return err
	}
	ch := subscription.MoveToLatest(p.Subscription, sale, b.at)
	if p.Status == subscription.Active {
		in.restart = b.begins(p, &ch)
		if _, err := b.charge(&ch, in); err != nil {
			return err
		}
	}
	b.write(p, ch)
	p.Prices, p.addons = ch.Subscription.Prices, true
	b.entitled(p.Resource, "subscription_migrated")
	return nil
}

package provisioning

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/timer"
)

// farAhead is beyond every timer.
var farAhead = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Foresee implements entitlement.Foresight: the timers that are due until then fire in a book that is not saved.
func (s *Service) Foresee(ctx context.Context, env tenant.ID, sight entitlement.Sight, read func(entitlement.Store, entitlement.Prospect) error) error {
	for settled := false; ; settled = true {
		due := false
		err := s.db.Read(ctx, env, func(st Store, now time.Time) error {
			p := entitlement.Prospect{At: now}
			if !sight.At.IsZero() {
				if p.At = sight.At; p.At.Before(now) {
					return entitlement.Past(now)
				}
			}
			var err error
			if p.Holder, err = st.EntitlementHolder(ctx, env, sight.Customer, sight.Resource); err != nil {
				return err
			}
			if due = !settled && p.Holder.Due != nil && !p.Holder.Due.After(now); due {
				return nil
			}
			if err := s.bring(ctx, st, env, sight, now, &p); err != nil {
				return err
			}
			return read(st, p)
		})
		if err != nil || !due {
			return err
		}
		if err := s.Settle(ctx, env, sight.Customer); err != nil {
			return err
		}
	}
}

// newest is how many of a customer's subscriptions are shown.
const newest = 50

// bring makes a prospect what it will be at its instant.
func (s *Service) bring(ctx context.Context, st Store, env tenant.ID, sight entitlement.Sight, now time.Time, p *entitlement.Prospect) error {
	h := &p.Holder
	ahead := h.Known && !h.Archived && h.Due != nil && !h.Due.After(p.At)
	if !h.Known || !ahead && !sight.All {
		return nil
	}
	c, err := st.CustomerByRef(ctx, env, sight.Customer)
	if err != nil {
		return err
	}
	b := s.open(ctx, st, env, &c, now)
	if ahead {
		if err := b.runAhead(p.At); err != nil {
			return err
		}
		h.Due = b.nextDue()
		if h.Subscriptions, err = b.entitling(sight.Resource); err != nil {
			return err
		}
	}
	if sight.All {
		p.Subscriptions, err = b.everything()
	}
	return err
}

// everything are the customer's newest subscriptions and all that have not ended, as the book has them.
func (b *book) everything() ([]subscription.Subscription, error) {
	stored, err := b.st.NewestSubscriptions(b.ctx, b.env, b.c.ID, newest)
	if err != nil {
		return nil, err
	}
	list, err := b.all()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	var out []subscription.Subscription
	for _, p := range list {
		known[p.ID] = true
		out = append(out, p.Subscription)
	}
	for _, s := range stored {
		if !known[s.ID] {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(x, y subscription.Subscription) int { return cmp.Compare(y.ID, x.ID) })
	return out, nil
}

// runAhead lets everything happen that is due until an instant to come. What only announces something is left out: it
// changes nothing, and a period that ends is announced again and again.
func (b *book) runAhead(at time.Time) (err error) {
	if b.due, err = b.st.DueTimers(b.ctx, b.env, b.c.ID, farAhead); err != nil {
		return err
	}
	for {
		b.due, b.timers = silent(b.due), silent(b.timers)
		t, ok := b.next(at)
		if !ok {
			b.at = at
			return nil
		}
		if err := b.fireNow(t); err != nil {
			return err
		}
	}
}

// silent drops announcements.
func silent(list []timer.Timer) []timer.Timer {
	kept := list[:0]
	for _, t := range list {
		if t.Kind != timer.TrialEndsSoon && t.Kind != timer.PeriodEndsSoon {
			kept = append(kept, t)
		}
	}
	return kept
}

// nextDue is when the first timer in the book fires; nil for none.
func (b *book) nextDue() *time.Time {
	if t, ok := b.next(farAhead); ok {
		return &t.Due
	}
	return nil
}

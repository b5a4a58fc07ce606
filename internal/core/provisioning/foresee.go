package provisioning

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/entitlement"
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

// bring makes a prospect what it will be at its instant.
func (s *Service) bring(ctx context.Context, st Store, env tenant.ID, sight entitlement.Sight, now time.Time, p *entitlement.Prospect) error {
	h := &p.Holder
	if !h.Known || h.Archived || h.Due == nil || h.Due.After(p.At) {
		return nil
	}
	c, err := st.CustomerByRef(ctx, env, sight.Customer)
	if err != nil {
		return err
	}
	b := s.open(ctx, st, env, &c, now)
	if err := b.runAhead(p.At); err != nil {
		return err
	}
	h.Due = b.nextDue()
	h.Subscriptions, err = b.entitling(sight.Resource)
	return err
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

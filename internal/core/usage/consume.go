package usage

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/rules"
)

// Consume checks and records in one step: what is granted has been recorded, what is denied has not, and of callers that
// race for the last units exactly as many are admitted as there are units. A budget is looked at before: callers that race
// for the last of it may together spend more, by what is under way. A denial is an answer (contract §6.3). A key that
// was granted before is granted again and counts once; denials are not remembered.
func (s *Service) Consume(ctx context.Context, env tenant.ID, r Report) (entitlement.Answer, error) {
	r.Behavior = Delta
	a, err := s.entitlements.Effective(ctx, env, r.CustomerRef, r.FeatureRef, r.Resource)
	if err != nil {
		return a, err
	}
	if err := checkAmount(&r, a); err != nil {
		return a, err
	}
	if a.Entitlement == nil || !a.Entitlement.Row.Granted || a.Reason == rules.BudgetExceeded {
		return a, nil
	}
	list, answers := []Report{r}, []entitlement.Answer{a}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (entitlement.Answer, error) {
		l, err := s.open(ctx, st, env, now, list, answers)
		if err != nil {
			return a, err
		}
		return l.consume(&r, a)
	}, first(list, answers)...)
}

func checkAmount(r *Report, a entitlement.Answer) error {
	if a.Feature.RefID == "" {
		return nil
	}
	if !a.Feature.Metered() {
		return catalog.ErrMeteringNotAvailable.At("featureId", "usage of %s is not counted", r.FeatureRef)
	}
	if r.Value.Sign() <= 0 {
		return errs.BadUserInput.At("amount", "must be more than 0")
	}
	if a.Entitlement != nil {
		if _, ok := r.Value.In(a.Entitlement.Row.Scale); !ok {
			return errs.BadUserInput.At("amount", "must have at most %d decimal places and be of ordinary size", a.Entitlement.Row.Scale)
		}
	}
	return nil
}

func (l *ledger) consume(r *Report, a entitlement.Answer) (entitlement.Answer, error) {
	t, err := l.tally(wanted(r, a), r.CustomerRef, "", a)
	if err != nil {
		return a, err
	}
	amount, _ := r.Value.In(t.row.Scale)
	a.At = l.now.UnixMicro()
	a.Ask = rules.Ask{RequestedUsage: amount, RequestedScale: t.row.Scale}
	_, granted, err := l.repeated(r, t, "")
	if err != nil {
		return a, err
	}
	if !granted {
		after, ok := grow(t.Value, amount)
		if granted, a.Reason = rules.Check(t.row, after, rules.Ask{}); !ok {
			granted, a.Reason = false, rules.RequestedUsageExceedingLimit
		}
		if granted && a.Spent && a.Entitlement.Overage && a.Entitlement.Beyond(after, rules.Ask{}) {
			granted, a.Reason = false, rules.BudgetExceeded
		}
		if granted {
			if _, err := l.record(r, a, ""); err != nil {
				return a, err
			}
			l.save()
		}
	}
	a.Granted = granted
	if granted {
		a.Reason = ""
	}
	a.Raw, a.CurrentUsage, a.UsageVersion = t.Value, t.row.Shown(t.Value), uint32(t.Version)
	return a, l.checks.Err()
}

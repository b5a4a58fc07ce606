package usage

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/rules"
)

// Entitlements tells what a customer may use, from memory.
type Entitlements interface {
	// Effective is Check for somebody who records what was used: nothing is asked for.
	Effective(ctx context.Context, env tenant.ID, customerRef, featureRef, resource string) (entitlement.Answer, error)
	// Catalog is the catalog that is in force, or was a moment ago.
	Catalog(ctx context.Context, env tenant.ID) (*catalog.Snapshot, error)
}

// Service has the use cases.
type Service struct {
	db           tx.Runner[Store]
	entitlements Entitlements
	clock        clock.Clock // machine time
	ids          id.Source
	meters       sync.Map // of *meterSet by environment
}

// NewService binds the use cases to a database.
func NewService(db tx.Runner[Store], e Entitlements, c clock.Clock) *Service {
	return &Service{db: db, entitlements: e, clock: c}
}

// Report records reports, all or none of them, in order. A report that goes past a limit is recorded: to refuse it is
// the business of a check or of Consume (domain-entitlements-usage §5.2).
func (s *Service) Report(ctx context.Context, env tenant.ID, list []Report) ([]Recorded, error) {
	answers := make([]entitlement.Answer, len(list))
	var c errs.Checks
	for i := range list {
		a, err := s.entitlements.Effective(ctx, env, list[i].CustomerRef, list[i].FeatureRef, list[i].Resource)
		if err != nil {
			return nil, err
		}
		answers[i] = a
		refuse(&c, fmt.Sprintf("usages[%d].", i), &list[i], a)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) ([]Recorded, error) {
		l, err := s.open(ctx, st, env, now, list, answers)
		if err != nil {
			return nil, err
		}
		out := make([]Recorded, 0, len(list))
		for i := range list {
			r, err := l.record(&list[i], answers[i], fmt.Sprintf("usages[%d].", i))
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
		if err := l.checks.Err(); err != nil {
			return nil, err
		}
		l.save()
		return out, nil
	}, first(list, answers)...)
}

// refuse records why usage of a feature cannot be reported.
func refuse(c *errs.Checks, path string, r *Report, a entitlement.Answer) {
	switch {
	case a.Reason == rules.CustomerNotFound || a.Reason == rules.CustomerIsArchived:
		c.Named(customer.ErrNotFound, path+"customerId", "there is no customer %s", r.CustomerRef)
	case a.Reason == rules.CustomerResourceNotFound:
		c.Named(ErrNoResource, path+"resourceId", "the customer %s has no resource %s", r.CustomerRef, r.Resource)
	case a.Reason == rules.FeatureNotFound:
		c.Named(catalog.ErrFeatureNotFound, path+"featureId", "there is no feature %s", r.FeatureRef)
	case !a.Feature.Metered():
		c.Named(catalog.ErrMeteringNotAvailable, path+"featureId", "usage of %s is not counted", r.FeatureRef)
	case a.Entitlement == nil && a.Reason == rules.NoActiveSubscription:
		c.Named(ErrNoSubscription, path+"customerId", "the customer %s has no active subscription", r.CustomerRef)
	case a.Entitlement == nil:
		c.Named(entitlement.ErrNone, path+"featureId", "no subscription of %s gives %s", r.CustomerRef, r.FeatureRef)
	default:
		refuseValue(c, path, r, a)
	}
}

func refuseValue(c *errs.Checks, path string, r *Report, a entitlement.Answer) {
	if _, ok := r.Value.In(a.Entitlement.Row.Scale); !ok {
		c.Shape(path+"value", "must have at most %d decimal places and be of ordinary size", a.Entitlement.Row.Scale)
	}
	if r.Value.Sign() >= 0 {
		return
	}
	if a.Entitlement.Row.Meter == rules.Incremental {
		c.Named(ErrNegative, path+"value", "must be at least 0: usage of %s only grows", r.FeatureRef)
	} else if r.Behavior == Set {
		c.Named(ErrOutOfRange, path+"value", "must be at least 0")
	}
}

// first is what can be locked with BEGIN: one counter.
func first(list []Report, answers []entitlement.Answer) []tx.Lock {
	if len(list) != 1 {
		return nil
	}
	return []tx.Lock{{Kind: tx.Counter, Ref: wanted(&list[0], answers[0]).Lock()}}
}

func wanted(r *Report, a entitlement.Answer) Wanted {
	return Wanted{CustomerRef: r.CustomerRef, Resource: a.Scope, FeatureID: a.Feature.ID}
}

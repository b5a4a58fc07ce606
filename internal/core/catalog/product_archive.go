package catalog

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// Archive archives a product with all its plans. Subscriptions go on. Archiving it again changes nothing.
func (s *Products) Archive(ctx context.Context, env tenant.ID, ref string) (Product, error) {
	return s.move(ctx, env, ref, Archived, func(st Store, p *Product, plans []Plan, now time.Time) {
		for i := range plans {
			if plan := &plans[i]; plan.Status != Archived {
				plan.Status, plan.ArchivedWith = Archived, true
				plan.saveAs(PlanDeleted, plan.Shown(), st, env, now)
			}
		}
		p.saveAs(ProductDeleted, st, env, now)
	})
}

// Unarchive restores a product and exactly the plans that were archived with it.
func (s *Products) Unarchive(ctx context.Context, env tenant.ID, ref string) (Product, error) {
	return s.move(ctx, env, ref, Published, func(st Store, p *Product, plans []Plan, now time.Time) {
		for i := range plans {
			if plan := &plans[i]; plan.ArchivedWith {
				plan.Status, plan.ArchivedWith = plan.unarchived(), false
				plan.saveAs(PlanUnarchived, plan.Shown(), st, env, now)
			}
		}
		p.saveAs(ProductUnarchived, st, env, now)
	})
}

func (s *Products) move(ctx context.Context, env tenant.ID, ref, status string, do func(Store, *Product, []Plan, time.Time)) (Product, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Product, error) {
		p, err := st.LockProduct(ctx, env, ref)
		if err != nil || p.Status == status {
			return p, err
		}
		plans, err := st.PlansOfProduct(ctx, env, p.ID)
		if err != nil {
			return p, err
		}
		p.Status = status
		do(st, &p, plans, now)
		return p, nil
	}, tx.Lock{Kind: tx.Product, Ref: ref})
}

// unarchived is the status of the plan were it not archived.
func (p Plan) unarchived() string {
	if p.Latest != nil {
		return Published
	}
	return Draft
}

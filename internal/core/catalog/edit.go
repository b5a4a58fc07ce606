package catalog

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// edit is a change of one plan under the lock of its product.
type edit struct {
	st      Store
	env     tenant.ID
	now     time.Time
	product Product
	plan    Plan
}

// editPlan locks the plan's product, reads the plan and gives both to fn.
func editPlan[R any](ctx context.Context, db tx.Runner[Store], env tenant.ID, ref string, fn func(edit) (R, error)) (R, error) {
	return tx.Do(ctx, db, env, func(st Store, now time.Time) (R, error) {
		var none R
		product, err := st.LockProductOfPlan(ctx, env, ref)
		if err != nil {
			return none, err
		}
		plan, err := st.PlanByRef(ctx, env, ref)
		if err != nil {
			return none, err
		}
		return fn(edit{st, env, now, product, plan})
	})
}

// draft returns the draft for editing; otherwise when there is none or the plan is archived.
func (e *edit) draft(otherwise *errs.Error) (*Version, error) {
	if e.plan.Status == Archived {
		return nil, otherwise.Because("The plan %s is archived.", e.plan.RefID)
	}
	if e.plan.Draft == nil {
		return nil, otherwise
	}
	return e.plan.Draft, nil
}

// save writes the plan's own row and an event about one of its versions.
func (e *edit) save(typ string, about *Version) {
	e.plan.saveAs(typ, about, e.st, e.env, e.now)
}

// saveDraft writes the draft too, without entitlements and prices.
func (e *edit) saveDraft(typ string) {
	e.plan.Draft.UpdatedAt = e.now
	e.st.UpdateVersion(e.env, *e.plan.Draft)
	e.save(typ, e.plan.Draft)
}

func (p *Plan) saveAs(typ string, about *Version, st Store, env tenant.ID, now time.Time) {
	p.Version++
	p.UpdatedAt = now
	st.UpdatePlan(env, *p)
	st.Append(env, p.event(typ, about))
}

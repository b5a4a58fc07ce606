package catalog

import (
	"context"
	"reflect"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// Plans are the use cases of plans, their drafts and their entitlements.
type Plans struct{ db tx.Runner[Store] }

// NewPlans returns the use cases on a database.
func NewPlans(db tx.Runner[Store]) *Plans { return &Plans{db} }

// View says which side of a plan is read.
type View uint8

// The views.
const (
	Shown   View = iota // the published version, else the draft
	InDraft             // the draft; ErrPlanNotFound without one
	Public              // what client keys see: published, not hidden
)

// version is what a view shows of the plan.
func (p Plan) version(v View) (*Version, error) {
	switch {
	case v == InDraft && p.Draft == nil:
		return nil, ErrPlanNotFound.Because("%s has no draft.", p.RefID)
	case v == InDraft:
		return p.Draft, nil
	case v == Public && !p.Visible():
		return nil, ErrPlanNotFound
	}
	return p.Shown(), nil
}

// Create makes a plan as a draft.
func (s *Plans) Create(ctx context.Context, env tenant.ID, in NewPlan) (Plan, error) {
	if err := in.Validate(); err != nil {
		return Plan{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Plan, error) {
		product, err := productForPlan(ctx, st, env, in.ProductID)
		if err != nil {
			return Plan{}, err
		}
		p := in.plan(product, now)
		p.insert(st, env)
		st.TouchCatalog(env)
		return p, nil
	})
}

func productForPlan(ctx context.Context, st Store, env tenant.ID, ref string) (p Product, err error) {
	if ref == "" {
		p, err = st.LockDefaultProduct(ctx, env)
	} else {
		p, err = st.LockProduct(ctx, env, ref)
	}
	if err == nil && p.Status == Archived {
		err = errs.InvalidArgument.At("productId", "The product %s is archived.", p.RefID)
	}
	return p, err
}

// Get reads a plan with the versions that the view allows: Shown both, the others one.
func (s *Plans) Get(ctx context.Context, env tenant.ID, ref string, view View) (Plan, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (Plan, error) {
		p, err := st.PlanByRef(ctx, env, ref)
		if err != nil {
			return p, err
		}
		if _, err = p.version(view); err != nil {
			return p, err
		}
		switch view {
		case InDraft:
			p.Latest = nil
		case Public:
			p.Draft = nil
		case Shown:
		}
		return p, nil
	})
}

// List reads a page of plans.
func (s *Plans) List(ctx context.Context, env tenant.ID, f PlanFilter, p page.Request) (page.Of[Plan], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Plan], error) {
		return st.ListPlans(ctx, env, f, p)
	})
}

// Charges reads a page of a version's prices.
func (s *Plans) Charges(ctx context.Context, env tenant.ID, ref string, view View, p page.Request) (page.Of[Price], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Price], error) {
		plan, err := st.PlanByRef(ctx, env, ref)
		if err != nil {
			return page.Of[Price]{}, err
		}
		v, err := plan.version(view)
		if err != nil {
			return page.Of[Price]{}, err
		}
		return page.Slice(p, v.Prices, func(p Price) string { return p.ID })
	})
}

// Update changes a plan and its draft. Without a draft it changes what needs none, or is ErrNoDraft.
func (s *Plans) Update(ctx context.Context, env tenant.ID, ref string, in PlanUpdate) (Plan, error) {
	if err := in.Validate(); err != nil {
		return Plan{}, err
	}
	return editPlan(ctx, s.db, env, ref, func(e edit) (Plan, error) {
		before := e.plan
		if err := in.applyPlan(&e.plan); err != nil {
			return e.plan, err
		}
		details := !reflect.DeepEqual(before, e.plan)
		if in.needsDraft() {
			if err := e.updateDraft(in); err != nil {
				return e.plan, err
			}
		}
		if details {
			e.save(PlanDetailsUpdated, e.plan.Shown())
			e.st.TouchCatalog(env)
		}
		if in.needsDraft() {
			e.saveDraft(PlanDraftUpdated)
		}
		return e.plan, nil
	})
}

func (e *edit) updateDraft(in PlanUpdate) error {
	v, err := e.draft(ErrNoDraft)
	if err != nil {
		return err
	}
	if err := in.applyDraft(v); err != nil {
		return err
	}
	if in.Pricing != nil {
		v.Prices = in.Pricing.prices(e.now)
		e.st.ReplacePrices(e.env, v.ID, v.Prices)
	}
	return nil
}

package catalog

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
)

// CreateDraft opens a draft that begins as a copy of the published version. The draft that is there already is
// returned as it is.
func (s *Plans) CreateDraft(ctx context.Context, env tenant.ID, ref string) (Plan, error) {
	return editPlan(ctx, s.db, env, ref, func(e edit) (Plan, error) {
		if _, err := e.draft(ErrNoDraft); err == nil || e.plan.Status == Archived {
			return e.plan, err
		}
		v := e.plan.Latest.copyTo(e.plan.ID, e.plan.Latest.Number+1, e.now)
		e.plan.Draft = &v
		e.st.InsertVersion(env, v)
		e.save(PlanDraftCreated, e.plan.Draft)
		return e.plan, nil
	})
}

// DiscardDraft removes the draft of a plan that was published before. It returns the plan without it.
func (s *Plans) DiscardDraft(ctx context.Context, env tenant.ID, ref string) (Plan, error) {
	return editPlan(ctx, s.db, env, ref, func(e edit) (Plan, error) {
		v, err := e.draft(ErrNoDraft)
		if err != nil {
			return e.plan, err
		}
		if e.plan.Latest == nil {
			return e.plan, errs.IntegrityViolation.Because("%s was never published: its draft is all there is.", ref)
		}
		e.plan.Draft = nil
		e.st.DeleteVersion(env, *v)
		e.save(PlanDraftDiscarded, v)
		return e.plan, nil
	})
}

// copyTo makes a draft of a plan with the content of v.
func (v Version) copyTo(planID string, number int64, now time.Time) Version {
	c := v
	c.ID, c.PlanID, c.Number = id.New(), planID, number
	c.Status, c.IsLatest, c.PublishedAt = Draft, false, nil
	c.CreatedAt, c.UpdatedAt = now, now
	c.Entitlements = slices.Clone(v.Entitlements)
	for i := range c.Entitlements {
		c.Entitlements[i].ID = id.New()
	}
	c.Prices = slices.Clone(v.Prices)
	for i := range c.Prices {
		c.Prices[i].ID, c.Prices[i].CreatedAt = id.New(), now
	}
	return c
}

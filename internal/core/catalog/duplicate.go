package catalog

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/journey"
)

// Duplicate is a copy of a product to be made. What is absent is the original's.
type Duplicate struct {
	TargetID    string
	DisplayName *string
	Description opt.Of[string]
}

// Validate names every bad field.
func (d Duplicate) Validate() error {
	var c errs.Checks
	if issue := id.RefIssue(d.TargetID); issue != "" {
		c.Shape("targetId", "%s", issue)
	}
	if d.DisplayName != nil {
		checkName(&c, *d.DisplayName)
	}
	checkOpt(&c, "description", d.Description)
	return c.Err()
}

// Duplicate copies a product with its plans, which are named ID-TARGET (contract §4.5). Plans that were archived by
// themselves are left out. The journey of the copy uses the copied plans.
func (s *Products) Duplicate(ctx context.Context, env tenant.ID, ref string, in Duplicate) (Product, error) {
	if err := in.Validate(); err != nil {
		return Product{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Product, error) {
		from, err := st.LockProduct(ctx, env, ref)
		if err != nil {
			return from, err
		}
		plans, err := st.PlansOfProduct(ctx, env, from.ID)
		if err != nil {
			return from, err
		}
		to := in.product(from, now)
		copies, err := copyPlans(plans, to, now)
		if err != nil {
			return to, err
		}
		to.Settings = journeyOnCopies(from.Settings, to.RefID)
		st.InsertProduct(env, to)
		st.Append(env, to.event(ProductCreated))
		for i := range copies {
			copies[i].insert(st, env)
		}
		st.TouchCatalog(env)
		return to, nil
	}, tx.Lock{Kind: tx.Product, Ref: ref})
}

func (d Duplicate) product(from Product, now time.Time) Product {
	to := from
	to.ID, to.RefID = id.New(), d.TargetID
	if d.DisplayName != nil {
		to.DisplayName = *d.DisplayName
	}
	d.Description.Apply(&to.Description)
	to.Status, to.IsDefault = Published, false
	to.Version, to.CreatedAt, to.UpdatedAt = 1, now, now
	return to
}

func copyRef(planRef, target string) string { return planRef + "-" + target }

func copyPlans(plans []Plan, to Product, now time.Time) ([]Plan, error) {
	var c errs.Checks
	var copies []Plan
	for _, p := range plans {
		if p.Status == Archived && !p.ArchivedWith {
			continue
		}
		ref := copyRef(p.RefID, to.RefID)
		if issue := id.RefIssue(ref); issue != "" {
			c.Shape("targetId", "is too long: the copy of %s would be named %s, which %s", p.RefID, ref, issue)
		}
		copies = append(copies, p.copyTo(to, ref, now))
	}
	return copies, c.Err()
}

// copyTo copies a plan into a product. Its versions are counted from 1; the billing id belongs to the original.
func (p Plan) copyTo(to Product, ref string, now time.Time) Plan {
	c := p
	c.ID, c.RefID, c.ProductID, c.ProductRefID = id.New(), ref, to.ID, to.RefID
	c.Status, c.ArchivedWith, c.BillingID = p.unarchived(), false, nil
	c.Version, c.CreatedAt, c.UpdatedAt = 1, now, now
	number := int64(1)
	if p.Latest != nil {
		v := p.Latest.copyTo(c.ID, number, now)
		v.Status, v.IsLatest, v.PublishedAt = Published, true, &now
		c.Latest = &v
		number++
	}
	if p.Draft != nil {
		v := p.Draft.copyTo(c.ID, number, now)
		c.Draft = &v
	}
	return c
}

// insert writes a new plan with its versions.
func (p Plan) insert(st Store, env tenant.ID) {
	st.InsertPlan(env, p)
	if p.Latest != nil {
		st.InsertVersion(env, *p.Latest)
		st.Append(env, p.event(PlanCreated, p.Latest))
	}
	if p.Draft != nil {
		st.InsertVersion(env, *p.Draft)
		st.Append(env, p.event(PlanDraftCreated, p.Draft))
	}
}

// journeyOnCopies makes the settings name the copies of their plans.
func journeyOnCopies(s journey.Settings, target string) journey.Settings {
	for _, ref := range []*journey.PlanID{&s.StartPlanID, &s.DowngradePlanID} {
		if *ref != "" {
			*ref = journey.PlanID(copyRef(string(*ref), target))
		}
	}
	return s
}

package catalog

import (
	"context"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/journey"
)

// Who gets a new version (domain-catalog-provisioning §4.2).
const (
	NewCustomers = "NEW_CUSTOMERS"
	AllCustomers = "ALL_CUSTOMERS"
)

// Publication is what came of publishing.
type Publication struct {
	TaskID   *string // the migration of subscriptions; nil when none moves
	Warnings []string
}

// Publish puts a plan's draft in force for new customers. An empty migration is NEW_CUSTOMERS.
func (s *Plans) Publish(ctx context.Context, env tenant.ID, ref, migration string) (Publication, error) {
	if err := checkMigration(migration); err != nil {
		return Publication{}, err
	}
	return editPlan(ctx, s.db, env, ref, func(e edit) (Publication, error) {
		if err := e.publishable(); err != nil {
			return Publication{}, err
		}
		typ := PlanCreated
		if old := e.plan.Latest; old != nil {
			typ = PlanUpdated
			old.IsLatest = false
			e.st.UpdateVersion(env, *old)
		}
		v := e.plan.Draft
		v.Status, v.IsLatest, v.PublishedAt, v.UpdatedAt = Published, true, &e.now, e.now
		e.st.UpdateVersion(env, *v)
		e.plan.Status, e.plan.Latest, e.plan.Draft = Published, v, nil
		e.save(typ, v)
		e.st.TouchCatalog(env)
		return Publication{Warnings: []string{}}, nil
	})
}

func checkMigration(m string) error {
	var c errs.Checks
	switch m {
	case "", NewCustomers:
	case AllCustomers:
		c.Rule("migrationType", "ALL_CUSTOMERS is not supported yet")
	default:
		checkOneOf(&c, "migrationType", m, NewCustomers, AllCustomers)
	}
	return c.Err()
}

// publishable checks the draft as a whole.
func (e *edit) publishable() error {
	v, err := e.draft(ErrAlreadyPublished)
	switch {
	case e.plan.Status == Archived:
		return ErrNoDraft.Because("The plan %s is archived.", e.plan.RefID)
	case err != nil:
		return err
	case v.PricingType == "":
		return ErrPricingTypeNotSet
	case v.PricingType == Paid && len(v.Prices) == 0:
		return errs.InvalidArgument.At("charges.pricingModels", "A paid plan needs a price.")
	case v.PricingType == Free && v.Trial != nil:
		return errs.InvalidArgument.At(trialPath, "A free plan has no trial.")
	}
	return e.journeyHolds()
}

// journeyHolds checks that the product's journey can use the plan as the draft makes it.
func (e *edit) journeyHolds() error {
	v, s := e.plan.Draft, e.product.Settings
	if string(s.StartPlanID) == e.plan.RefID {
		switch {
		case s.StartSetup == journey.FreePlan && v.PricingType != Free:
			return ErrDefaultStartPlan.Because("The journey of %s starts customers on this plan, so it must stay free.", e.product.RefID)
		case s.StartSetup == journey.TrialPeriod && (v.PricingType == Free || v.Trial == nil):
			return ErrDefaultStartPlan.Because("The journey of %s starts customers with a trial of this plan, so it must keep one.", e.product.RefID)
		}
	}
	if string(s.DowngradePlanID) == e.plan.RefID && s.EndSetup == journey.DowngradeToFree && v.PricingType != Free {
		return ErrDowngradePlan.Because("The journey of %s moves customers to this plan, so it must stay free.", e.product.RefID)
	}
	return nil
}

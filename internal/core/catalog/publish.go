package catalog

import (
	"context"
	"slices"

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
	Warnings []Warning
	Version  int64 // of the package
}

// Publish puts a package's draft in force. An empty migration is NEW_CUSTOMERS; with ALL_CUSTOMERS a task moves those who
// have the package, with the entitlements and without the prices (domain-catalog-provisioning §4.2).
func (s *Packages) Publish(ctx context.Context, env tenant.ID, ref, migration string, match ...IfVersion) (Publication, error) {
	if err := checkMigration(migration); err != nil {
		return Publication{}, err
	}
	out, err := editPackage(ctx, s, env, ref, match, func(e edit) (Publication, error) {
		if err := e.publishable(); err != nil {
			return Publication{}, err
		}
		warnings, err := e.warnings(s.checked)
		if err != nil {
			return Publication{}, err
		}
		e.publish()
		e.st.TouchCatalog(env)
		p := Publication{Warnings: warnings, Version: e.pkg.Version}
		if migration == AllCustomers {
			id := s.moves.Start(e.st, env, s.kind, e.pkg.ID)
			p.TaskID = &id
		}
		return p, nil
	})
	if err == nil && out.TaskID != nil {
		s.moves.Run(env, *out.TaskID)
	}
	return out, err
}

// publish puts the draft in force.
func (e *edit) publish() {
	what := created
	if old := e.pkg.Latest; old != nil {
		what = updated
		old.IsLatest = false
		e.st.UpdateVersion(e.env, *old)
	}
	v := e.pkg.Draft
	v.Status, v.IsLatest, v.PublishedAt, v.UpdatedAt = Published, true, &e.now, e.now
	e.st.UpdateVersion(e.env, *v)
	e.pkg.Status, e.pkg.Latest, e.pkg.Draft = Published, v, nil
	e.save(what, v)
}

func checkMigration(m string) error {
	var c errs.Checks
	if m != "" {
		checkOneOf(&c, "migrationType", m, NewCustomers, AllCustomers)
	}
	return c.Err()
}

// publishable checks the draft as a whole.
func (e *edit) publishable() error {
	v, err := e.draft(ErrAlreadyPublished)
	switch {
	case e.pkg.Status == Archived:
		return ErrNoDraft.Because("The %s %s is archived.", e.pkg.Kind.Word(), e.pkg.RefID)
	case err != nil:
		return err
	}
	var c errs.Checks
	v.checkComplete(&c, "", e.pkg.Kind)
	v.Trial.checkFor(&c, trialPath, v.PricingType)
	if c.Failed() {
		return c.Err()
	}
	if err := e.linksHold(); err != nil {
		return err
	}
	return e.journeyHolds()
}

// checkComplete records what a version lacks to be sold as a package of that kind.
func (v *Version) checkComplete(c *errs.Checks, path string, kind Kind) {
	switch {
	case v.PricingType == "":
		c.Named(ErrPricingTypeNotSet, path+"charges.pricingType", "is required before publishing")
	case v.PricingType == Paid && len(v.Prices) == 0 && kind == KindAddon:
		c.Named(ErrAddonNeedsPrice, path+"charges.pricingModels", "a paid add-on needs a price")
	case v.PricingType == Paid && kind == KindPlan && !slices.ContainsFunc(v.Prices, func(p Price) bool { return p.BillingCadence == Recurring && !p.Overage }):
		c.Rule(path+"charges.pricingModels", "a paid plan needs a price that recurs")
	}
}

// linksHold checks that what the draft refers to can still be had: the parent is published, and custom add-ons are with
// custom plans only (domain-catalog-provisioning §3.6).
func (e *edit) linksHold() error {
	v := e.pkg.Draft
	var c errs.Checks
	if v.ParentID != "" {
		parent, err := e.st.PackageByRef(e.ctx, e.env, KindPlan, v.ParentID)
		if err != nil {
			return err
		}
		if !parent.Available() {
			c.Named(ErrUnpublished, "parentPlanId", "the plan %s is not published", v.ParentID)
		}
	}
	addons, err := e.addons()
	if err != nil {
		return err
	}
	checkCustomAddons(&c, "compatibleAddonIds", v, addons)
	if e.pkg.Kind == KindAddon && v.PricingType == Custom {
		links, err := e.st.LinksOfProduct(e.ctx, e.env, e.product.ID)
		if err != nil {
			return err
		}
		if plans := links.ordinary(e.pkg.RefID); len(plans) > 0 {
			c.Rule("charges.pricingType", "CUSTOM add-ons are for custom plans only, and this one goes with %s", shortList(plans))
		}
	}
	return c.Err()
}

func checkCustomAddons(c *errs.Checks, path string, v *Version, addons []Package) {
	for _, a := range addons {
		if slices.Contains(v.Compatible, a.RefID) && a.Latest != nil && a.Latest.PricingType == Custom && v.PricingType != Custom {
			c.Rule(path, "the add-on %s is custom: only custom plans can have it", a.RefID)
		}
	}
}

// addons reads the add-ons that the draft is compatible with or depends on, once.
func (e *edit) addons() (list []Package, err error) {
	v := e.pkg.Draft
	refs := distinct(append(slices.Clone(v.Compatible), v.Dependencies...))
	if e.goesWith == nil && len(refs) > 0 {
		e.goesWith, err = e.st.PackagesByRef(e.ctx, e.env, KindAddon, refs)
	}
	return e.goesWith, err
}

// journeyHolds checks that the product's journey can use the plan as the draft makes it.
func (e *edit) journeyHolds() error {
	if e.pkg.Kind != KindPlan {
		return nil
	}
	v, s := e.pkg.Draft, e.product.Settings
	if string(s.StartPlanID) == e.pkg.RefID {
		switch {
		case s.StartSetup == journey.FreePlan && v.PricingType != Free:
			return ErrDefaultStartPlan.Because("The journey of %s starts customers on this plan, so it must stay free.", e.product.RefID)
		case s.StartSetup == journey.TrialPeriod && (v.PricingType == Free || v.Trial == nil):
			return ErrDefaultStartPlan.Because("The journey of %s starts customers with a trial of this plan, so it must keep one.", e.product.RefID)
		}
	}
	if string(s.DowngradePlanID) == e.pkg.RefID && s.EndSetup == journey.DowngradeToFree && v.PricingType != Free {
		return ErrDowngradePlan.Because("The journey of %s moves customers to this plan, so it must stay free.", e.product.RefID)
	}
	return nil
}

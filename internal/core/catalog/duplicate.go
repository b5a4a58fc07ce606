package catalog

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
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

// Duplicate copies a product with its plans and add-ons, which are named ID-TARGET (contract §4.5). Packages that were
// archived by themselves are left out. The journey of the copy uses the copied plans, and they each other.
func (s *Products) Duplicate(ctx context.Context, env tenant.ID, ref string, in Duplicate) (Product, error) {
	if err := in.Validate(); err != nil {
		return Product{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Product, error) {
		from, err := st.LockProduct(ctx, env, ref)
		if err != nil {
			return from, err
		}
		packages, err := st.PackagesOfProduct(ctx, env, from.ID)
		if err != nil {
			return from, err
		}
		to := in.product(from, now)
		copies, err := copyPackages(packages, to, event.ActorFrom(ctx), now)
		if err != nil {
			return to, err
		}
		to.Settings = journeyOnCopies(from.Settings, to.RefID)
		to.PlanOrder = slices.DeleteFunc(copyRefs(from.PlanOrder, to.RefID), func(ref string) bool {
			return !slices.ContainsFunc(copies, func(p Package) bool { return p.Kind == KindPlan && p.RefID == ref })
		})
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

func copyRef(ref, target string) string { return ref + "-" + target }

func copyRefs(refs []string, target string) []string {
	out := make([]string, 0, len(refs))
	for _, ref := range refs {
		out = append(out, copyRef(ref, target))
	}
	return out
}

func copyPackages(packages []Package, to Product, by event.Actor, now time.Time) ([]Package, error) {
	var c errs.Checks
	var copies []Package
	left := map[string]bool{} // add-ons without a copy
	for _, p := range packages {
		if p.Status == Archived && !p.ArchivedWith {
			left[p.RefID] = p.Kind == KindAddon
			continue
		}
		ref := copyRef(p.RefID, to.RefID)
		if issue := id.RefIssue(ref); issue != "" {
			c.Shape("targetId", "is too long: the copy of %s would be named %s, which %s", p.RefID, ref, issue)
		}
		cp := p.copyTo(to, ref, now)
		cp.ChangedBy = by
		copies = append(copies, cp)
	}
	for i := range copies {
		for _, v := range []*Version{copies[i].Latest, copies[i].Draft} {
			if v != nil {
				v.linkToCopies(left, to.RefID)
			}
		}
	}
	return copies, c.Err()
}

// linkToCopies makes a copied version refer to the copies of what it referred to.
func (v *Version) linkToCopies(left map[string]bool, target string) {
	if v.ParentID != "" {
		v.ParentID = copyRef(v.ParentID, target)
	}
	for _, list := range []*[]string{&v.Compatible, &v.Dependencies} {
		kept := slices.DeleteFunc(slices.Clone(*list), func(ref string) bool { return left[ref] })
		*list = copyRefs(kept, target)
	}
}

// copyTo copies a package into a product. Its versions are counted from 1; the billing id belongs to the original.
func (p Package) copyTo(to Product, ref string, now time.Time) Package {
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

// insert writes a new package with its versions.
func (p Package) insert(st Store, env tenant.ID) {
	st.InsertPackage(env, p)
	if p.Latest != nil {
		st.InsertVersion(env, *p.Latest)
		st.Append(env, p.event(created, p.Latest))
	}
	if p.Draft != nil {
		st.InsertVersion(env, *p.Draft)
		st.Append(env, p.event(draftCreated, p.Draft))
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

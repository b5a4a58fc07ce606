package catalog

import (
	"slices"

	"github.com/purserhq/purser/internal/core/event"
)

// The writes of the steps. Each is queued, and leaves its event.

func (a *applying) insertFeature(f Feature) {
	a.st.InsertFeature(a.env, f)
	a.st.Append(a.env, f.event(FeatureCreated))
}

func (a *applying) updateFeature(was *Feature, to Feature, unarchived bool) error {
	status := was.Status
	switch {
	case to.Status == FeatureSuspended:
		status = FeatureSuspended
	case was.Status == FeatureSuspended:
		uses, err := a.st.FeatureUses(a.ctx, a.env, was.ID)
		if err != nil {
			return err
		}
		if status = FeatureNew; len(uses.Packages) > 0 {
			status = FeatureActive
		}
	}
	to.ID, to.Status, to.Version, to.CreatedAt = was.ID, status, was.Version, was.CreatedAt
	to.MeterVersion = was.MeterVersion
	to.countMeter(was.Meter)
	typ := either(unarchived, FeatureUnarchived, FeatureUpdated)
	to.saveAs(either(status == FeatureSuspended && was.Status != status, FeatureDeleted, typ), a.st, a.env, a.now)
	*was = to
	return nil
}

func (a *applying) archiveFeature(f *Feature) {
	f.Status = FeatureSuspended
	f.saveAs(FeatureDeleted, a.st, a.env, a.now)
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func (a *applying) insertGroup(g FeatureGroup) {
	a.st.InsertGroup(a.env, g)
	a.st.Append(a.env, g.event(GroupCreated))
}

func (a *applying) updateGroup(was *FeatureGroup, to FeatureGroup, unarchived bool) error {
	var gone []string
	for _, ref := range was.Features {
		if !slices.Contains(to.Features, ref) {
			gone = append(gone, ref)
		}
	}
	for i := range a.packages {
		if p := &a.packages[i]; p.Draft != nil && len(gone) > 0 {
			a.change(p, func(e *edit) { e.unlink(was.RefID, gone) })
		}
	}
	to.ID, to.Version, to.CreatedAt = was.ID, was.Version, was.CreatedAt
	to.saveAs(either(unarchived, GroupUnarchived, GroupUpdated), a.st, a.env, a.now)
	return nil
}

func (a *applying) archiveGroup(g *FeatureGroup) {
	g.Status = Archived
	g.saveAs(GroupDeleted, a.st, a.env, a.now)
}

func (a *applying) insertProduct(p Product) {
	a.st.InsertProduct(a.env, p)
	a.st.Append(a.env, p.event(ProductCreated))
}

func (a *applying) updateProduct(was *Product, to Product, unarchived bool) error {
	to.ID, to.IsDefault, to.Version, to.CreatedAt = was.ID, was.IsDefault, was.Version, was.CreatedAt
	to.saveAs(either(unarchived, ProductUnarchived, ProductUpdated), a.st, a.env, a.now)
	if !unarchived {
		return nil
	}
	for i := range a.packages { // what stays archived is so by itself from now on
		if p := &a.packages[i]; p.ProductID == was.ID && p.ArchivedWith {
			a.change(p, func(e *edit) {
				e.pkg.ArchivedWith = false
				e.save(detailsUpdated, e.pkg.Shown())
			})
		}
	}
	return nil
}

func (a *applying) archiveProduct(p *Product) {
	p.Status = Archived
	p.saveAs(ProductDeleted, a.st, a.env, a.now)
}

func (a *applying) insertPackage(p Package) {
	p.ChangedBy = event.ActorFrom(a.ctx)
	p.insert(a.st, a.env)
	a.use(p.Latest, p.Draft)
}

// use makes features that are used for the first time ACTIVE.
func (a *applying) use(versions ...*Version) {
	var refs []string
	for _, v := range versions {
		if v == nil {
			continue
		}
		for i := range v.Entitlements {
			refs = append(refs, v.Entitlements[i].FeatureRefID)
		}
		for i := range v.Prices {
			refs = append(refs, v.Prices[i].FeatureRefID)
		}
	}
	for _, ref := range refs {
		if f := a.features[ref]; f != nil && f.Status == FeatureNew {
			f.Status = FeatureActive
			f.saveAs(FeatureUpdated, a.st, a.env, a.now)
		}
	}
}

func (a *applying) edit(p *Package) *edit {
	return &edit{ctx: a.ctx, st: a.st, env: a.env, now: a.now, pkg: *p}
}

// change does something to a package and keeps what came of it for the steps that follow.
func (a *applying) change(p *Package, do func(*edit)) {
	e := a.edit(p)
	do(e)
	*p = e.pkg
}

func (a *applying) unarchive(p *Package) {
	a.change(p, func(e *edit) {
		e.pkg.Status, e.pkg.ArchivedWith = e.pkg.unarchived(), false
		e.save(unarchived, e.pkg.Shown())
	})
}

func (a *applying) archive(p *Package) {
	a.change(p, func(e *edit) {
		e.pkg.Status, e.pkg.ArchivedWith = Archived, a.gone[p.ProductID]
		e.save(deleted, e.pkg.Shown())
	})
}

func (a *applying) details(p, to *Package) {
	a.change(p, func(e *edit) {
		e.pkg.BillingID, e.pkg.Metadata, e.pkg.HiddenFromWidgets = to.BillingID, to.Metadata, to.HiddenFromWidgets
		e.save(detailsUpdated, e.pkg.Shown())
	})
}

// publishVersion puts content in force, in the place of a draft that is there.
func (a *applying) publishVersion(p *Package, v Version) {
	a.change(p, func(e *edit) {
		e.replaceDraft(v)
		e.publish()
	})
	a.use(&v)
}

func (a *applying) putDraft(p *Package, v Version) {
	a.change(p, func(e *edit) {
		what := draftCreated
		if e.pkg.Draft != nil {
			what = draftUpdated
		}
		e.replaceDraft(v)
		e.save(what, e.pkg.Draft)
	})
	a.use(&v)
}

// replaceDraft gives the package a draft with the content of v.
func (e *edit) replaceDraft(v Version) {
	if e.pkg.Draft != nil {
		e.st.DeleteVersion(e.env, *e.pkg.Draft)
	}
	number := int64(1)
	if e.pkg.Latest != nil {
		number = e.pkg.Latest.Number + 1
	}
	draft := v
	draft.PackageID, draft.Number = e.pkg.ID, number
	draft.Status, draft.IsLatest, draft.PublishedAt = Draft, false, nil
	e.pkg.Draft = &draft
	e.st.InsertVersion(e.env, draft)
}

func (a *applying) discard(p *Package) {
	a.change(p, func(e *edit) {
		v := e.pkg.Draft
		e.pkg.Draft = nil
		e.st.DeleteVersion(e.env, *v)
		e.save(draftDiscarded, v)
	})
}

func (a *applying) insertCoupon(c Coupon) {
	a.st.InsertCoupon(a.env, c)
	a.st.Append(a.env, c.event(CouponCreated))
}

func (a *applying) updateCoupon(was *Coupon, to Coupon, _ bool) error {
	was.Name, was.Description, was.Metadata = to.Name, to.Description, to.Metadata
	was.saveAs(CouponUpdated, a.st, a.env, a.now)
	return nil
}

func (a *applying) archiveCoupon(c *Coupon) {
	c.Status = Archived
	c.saveAs(CouponArchived, a.st, a.env, a.now)
}

package catalog

import (
	"context"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
)

// Archive takes a package out of sale; subscriptions go on. It is refused for what was never published, for plans that
// the journey uses and for plans that others inherit from (domain-catalog-provisioning §3.5). Archiving it again changes
// nothing.
func (s *Packages) Archive(ctx context.Context, env tenant.ID, ref string, match ...IfVersion) (Package, error) {
	return editPackage(ctx, s, env, ref, match, func(e edit) (Package, error) {
		if e.pkg.Status == Archived {
			return e.pkg, nil
		}
		if err := e.mayArchive(); err != nil {
			return e.pkg, err
		}
		e.pkg.Status = Archived
		e.save(deleted, e.pkg.Shown())
		e.st.TouchCatalog(env)
		return e.pkg, nil
	})
}

func (e *edit) mayArchive() error {
	s, ref := e.product.Settings, e.pkg.RefID
	switch {
	case e.pkg.Latest == nil:
		return ErrDraftArchived.Because("The %s %s was never published, so it cannot be archived.", e.pkg.Kind.Word(), ref)
	case e.pkg.Kind != KindPlan:
		return nil
	case string(s.StartPlanID) == ref:
		return ErrDefaultStartPlan.Because("The journey of %s starts customers on %s. Change the journey first.", e.product.RefID, ref)
	case string(s.DowngradePlanID) == ref:
		return ErrDowngradePlan.Because("The journey of %s moves customers to %s. Change the journey first.", e.product.RefID, ref)
	}
	links, err := e.st.LinksOfProduct(e.ctx, e.env, e.product.ID)
	if err != nil {
		return err
	}
	if children := links.of(KindPlan).children(ref); len(children) > 0 {
		return ErrHasChildren.Because("The plan %s has children that inherit from it: %s.", ref, strings.Join(children, ", "))
	}
	return nil
}

// Unarchive brings a package back into sale. Doing it again changes nothing.
func (s *Packages) Unarchive(ctx context.Context, env tenant.ID, ref string, match ...IfVersion) (Package, error) {
	return editPackage(ctx, s, env, ref, match, func(e edit) (Package, error) {
		switch {
		case e.pkg.Status != Archived:
			return e.pkg, nil
		case e.product.Status == Archived:
			return e.pkg, errs.IntegrityViolation.Because("The product %s is archived. Unarchive it first.", e.product.RefID)
		}
		for _, v := range []*Version{e.pkg.Latest, e.pkg.Draft} {
			if v == nil || v.ParentID == "" {
				continue
			}
			p, err := e.st.PackageByRef(ctx, env, KindPlan, v.ParentID)
			if err != nil {
				return e.pkg, err
			}
			if p.Status == Archived {
				return e.pkg, errs.IntegrityViolation.Because("The plan inherits from %s, which is archived. Unarchive that first.", v.ParentID)
			}
		}
		e.pkg.Status, e.pkg.ArchivedWith = e.pkg.unarchived(), false
		e.save(unarchived, e.pkg.Shown())
		e.st.TouchCatalog(env)
		return e.pkg, nil
	})
}

// unarchived is the status of the package were it not archived.
func (p Package) unarchived() string {
	if p.Latest != nil {
		return Published
	}
	return Draft
}

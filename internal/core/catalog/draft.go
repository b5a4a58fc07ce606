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
func (s *Packages) CreateDraft(ctx context.Context, env tenant.ID, ref string) (Package, error) {
	return editPackage(ctx, s, env, ref, nil, func(e edit) (Package, error) {
		if _, err := e.draft(ErrNoDraft); err == nil || e.pkg.Status == Archived {
			return e.pkg, err
		}
		e.openDraft()
		e.save(draftCreated, e.pkg.Draft)
		return e.pkg, nil
	})
}

// openDraft gives a published package a draft.
func (e *edit) openDraft() {
	v := e.pkg.Latest.copyTo(e.pkg.ID, e.pkg.Latest.Number+1, e.now)
	e.pkg.Draft = &v
	e.st.InsertVersion(e.env, v)
}

// DiscardDraft removes the draft of a package that was published before. It returns the package without it.
func (s *Packages) DiscardDraft(ctx context.Context, env tenant.ID, ref string, match ...IfVersion) (Package, error) {
	return editPackage(ctx, s, env, ref, match, func(e edit) (Package, error) {
		v, err := e.draft(ErrNoDraft)
		if err != nil {
			return e.pkg, err
		}
		if e.pkg.Latest == nil {
			return e.pkg, errs.IntegrityViolation.Because("%s was never published: its draft is all there is.", ref)
		}
		e.pkg.Draft = nil
		e.st.DeleteVersion(env, *v)
		e.save(draftDiscarded, v)
		return e.pkg, nil
	})
}

// copyTo makes a draft of a package with the content of v.
func (v Version) copyTo(packageID string, number int64, now time.Time) Version {
	c := v
	c.ID, c.PackageID, c.Number = id.New(), packageID, number
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

// Changes compares a package's draft with the published version.
func (s *Packages) Changes(ctx context.Context, env tenant.ID, ref string) (Changes, error) {
	p, err := s.Get(ctx, env, ref, Shown)
	if err != nil {
		return Changes{}, err
	}
	if _, err := p.version(InDraft); err != nil {
		return Changes{}, err
	}
	return Compare(p.Latest, p.Draft), nil
}

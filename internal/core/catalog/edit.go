package catalog

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// IfVersion is the version that a package must have for a change to happen: what the editor has seen (contract §4.4).
type IfVersion int64

// edit is a change of one package under the lock of its product.
type edit struct {
	ctx     context.Context
	st      Store
	env     tenant.ID
	now     time.Time
	product Product
	pkg     Package

	goesWith []Package // see addons
	writes   []func()  // of what becomes of a draft, once it is known to change
}

// editPackage locks the package's product, reads the package and gives both to fn. It is ErrDraftChanged when the package
// has none of the versions in match.
func editPackage[R any](ctx context.Context, s *Packages, env tenant.ID, ref string, match []IfVersion, fn func(edit) (R, error)) (R, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (R, error) {
		var none R
		product, err := st.LockProductOfPackage(ctx, env, s.kind, ref)
		if err != nil {
			return none, err
		}
		p, err := st.PackageByRef(ctx, env, s.kind, ref)
		if err != nil {
			return none, err
		}
		e := edit{ctx: ctx, st: st, env: env, now: now, product: product, pkg: p}
		if len(match) > 0 && !slices.Contains(match, IfVersion(p.Version)) {
			return none, e.changedMeanwhile()
		}
		return fn(e)
	})
}

// changedMeanwhile names who changed the package last, and when.
func (e *edit) changedMeanwhile() error {
	who, err := e.st.ActorName(e.ctx, e.env, e.pkg.ChangedBy)
	if err != nil {
		return err
	}
	return ErrDraftChanged.At("If-Match", "The %s %s was changed by %s at %s. Read it again.",
		e.pkg.Kind.Word(), e.pkg.RefID, who, e.pkg.UpdatedAt.UTC().Format(time.RFC3339))
}

// draft returns the draft for editing; otherwise when there is none or the package is archived.
func (e *edit) draft(otherwise *errs.Error) (*Version, error) {
	if e.pkg.Status == Archived {
		return nil, otherwise.Because("The %s %s is archived.", e.pkg.Kind.Word(), e.pkg.RefID)
	}
	if e.pkg.Draft == nil {
		return nil, otherwise
	}
	return e.pkg.Draft, nil
}

// save writes the package's own row and an event about one of its versions.
func (e *edit) save(what string, about *Version) {
	e.pkg.saveAs(e.ctx, what, about, e.st, e.env, e.now)
}

// saveDraft writes the draft too, without entitlements and prices.
func (e *edit) saveDraft(what string) {
	e.pkg.Draft.UpdatedAt = e.now
	e.st.UpdateVersion(e.env, *e.pkg.Draft)
	e.save(what, e.pkg.Draft)
}

func (p *Package) saveAs(ctx context.Context, what string, about *Version, st Store, env tenant.ID, now time.Time) {
	p.Version++
	p.UpdatedAt, p.ChangedBy = now, event.ActorFrom(ctx)
	st.UpdatePackage(env, *p)
	st.Append(env, p.event(what, about))
}

// activate makes features that are used for the first time ACTIVE.
func (e *edit) activate(features map[string]*Feature, used ...string) {
	for _, ref := range used {
		if f := features[ref]; f != nil && f.Status == FeatureNew {
			f.Status = FeatureActive
			f.saveAs(FeatureUpdated, e.st, e.env, e.now)
		}
	}
}

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

// Files are the use cases of catalog files.
type Files struct{ db tx.Runner[Store] }

// NewFiles returns the use cases on a database.
func NewFiles(db tx.Runner[Store]) *Files { return &Files{db} }

// fileStore is what catalog files need besides the stores of nouns.
type fileStore interface {
	// LockCatalog holds every product, group, feature and coupon, in this order.
	LockCatalog(ctx context.Context, env tenant.ID) error
	WholeCatalog(ctx context.Context, env tenant.ID) (Whole, error)
	// AppliedFile is what the last applied file left; nil when none was applied.
	AppliedFile(ctx context.Context, env tenant.ID) (*File, error)
	SaveAppliedFile(env tenant.ID, f File, at time.Time, by event.Actor)
}

// Outcome says what applying a file does, or did.
type Outcome struct {
	Steps    []Step
	Warnings []Warning
	// Drift names what others changed since the file was written or one was last applied, as far as the file would undo it.
	Drift       []StepEntity
	Fingerprint string // of the catalog as it is then
}

// Export writes the catalog down.
func (s *Files) Export(ctx context.Context, env tenant.ID) (File, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (File, error) {
		w, err := st.WholeCatalog(ctx, env)
		if err != nil {
			return File{}, err
		}
		f := w.Export()
		f.Fingerprint = f.Print()
		return f, nil
	})
}

// Plan says what Apply would do. It writes nothing.
func (s *Files) Plan(ctx context.Context, env tenant.ID, f File) (Outcome, error) {
	return tx.Get(ctx, s.db, env, func(st Store, now time.Time) (Outcome, error) {
		a := applying{ctx: ctx, st: st, env: env, now: now}
		return a.look(f)
	})
}

// Apply makes the catalog what the file says, in one transaction: all or nothing. What the file does not have is
// archived. Applying it again does nothing. It is ErrDrift when the catalog was changed by others since the file was
// exported or a file was last applied, unless overwrite.
func (s *Files) Apply(ctx context.Context, env tenant.ID, f File, overwrite bool) (Outcome, error) {
	var c errs.Checks
	if f.Check(&c); c.Failed() {
		return Outcome{}, c.Err()
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Outcome, error) {
		if err := st.LockCatalog(ctx, env); err != nil {
			return Outcome{}, err
		}
		a := applying{ctx: ctx, st: st, env: env, now: now}
		out, err := a.look(f)
		if err != nil {
			return out, err
		}
		if len(out.Drift) > 0 && !overwrite {
			return out, drifted(f, out.Drift)
		}
		for _, step := range out.Steps {
			if err := step.do(&a); err != nil {
				return out, err
			}
		}
		if len(out.Steps) > 0 {
			st.TouchCatalog(env)
		}
		after, err := st.WholeCatalog(ctx, env)
		if err != nil {
			return out, err
		}
		left := after.Export()
		out.Fingerprint = left.Print()
		st.SaveAppliedFile(env, left, now, event.ActorFrom(ctx))
		return out, nil
	})
}

func drifted(f File, list []StepEntity) error {
	e := ErrDrift.Because("Others changed the catalog since a file was last applied, and this one would undo that. Export it again, or overwrite the changes.")
	if f.Fingerprint != "" {
		e = ErrDrift.Because("The catalog changed since this file was exported, and the file would undo that. " +
			"Export it again, or overwrite the changes. If they are your own, from applying this file before, leave its fingerprint out.")
	}
	for _, d := range list[:min(len(list), 100)] {
		e = e.With(errs.Field{Path: d.String(), Issue: "was changed by others"})
	}
	return e
}

// applying is a file on its way into the catalog.
type applying struct {
	ctx      context.Context
	st       Store
	env      tenant.ID
	now      time.Time
	features map[string]*Feature // those that exist, by refId
	packages []Package           // those that exist
	gone     map[string]bool     // products that get archived, and what they have with them
}

// look compares a file with the catalog.
func (a *applying) look(f File) (Outcome, error) {
	var c errs.Checks
	after := f.build(&c, a.now)
	if c.Failed() {
		return Outcome{}, c.Err()
	}
	before, err := a.st.WholeCatalog(a.ctx, a.env)
	if err != nil {
		return Outcome{}, err
	}
	after.adopt(before)
	a.packages = before.Packages
	a.gone = map[string]bool{}
	for i := range before.Products {
		if p := &before.Products[i]; !slices.ContainsFunc(f.Products, func(want FileProduct) bool { return want.ID == p.RefID }) {
			a.gone[p.ID] = true
		}
	}
	a.features = index(before.Features, func(f *Feature) string { return f.RefID })
	out := Outcome{Steps: plan(&c, f, before, after), Warnings: []Warning{}, Drift: []StepEntity{}}
	if err := a.mayChange(&c, f, before, after); err != nil {
		return out, err
	}
	if err := c.Err(); err != nil {
		return out, err
	}
	out.Warnings = after.warnings(before, out.Steps)
	have := before.Export()
	out.Fingerprint = have.Print()
	out.Drift, err = a.drift(f, have, before, out)
	return out, err
}

// mayChange records changes that subscriptions or uses do not allow.
func (a *applying) mayChange(c *errs.Checks, f File, before, after Whole) error {
	paths := f.paths()
	old := index(before.Products, func(p *Product) string { return p.RefID })
	for _, p := range after.Products {
		was := old[p.RefID]
		if was == nil || was.MultipleSubscriptions == p.MultipleSubscriptions {
			continue
		}
		used, err := a.st.HasSubscriptions(a.ctx, a.env, was.ID)
		if err != nil {
			return err
		}
		if used {
			c.Rule(paths[StepEntity{"product", p.RefID}]+"multipleSubscriptions", "cannot change once the product has subscriptions")
		}
	}
	features := index(before.Features, func(f *Feature) string { return f.RefID })
	for _, ft := range after.Features {
		was := features[ft.RefID]
		if was == nil || same(was.EnumValues, ft.EnumValues) && sameUnits(was.Transformation, ft.Transformation) {
			continue
		}
		uses, err := a.st.FeatureUses(a.ctx, a.env, was.ID)
		if err != nil {
			return err
		}
		ft.checkChange(c, paths[StepEntity{"feature", ft.RefID}], *was, uses)
	}
	return nil
}

// drift names what others changed and the steps would undo.
func (a *applying) drift(f, have File, before Whole, out Outcome) ([]StepEntity, error) {
	list := []StepEntity{}
	if len(out.Steps) == 0 || f.Fingerprint == out.Fingerprint {
		return list, nil
	}
	last, err := a.st.AppliedFile(a.ctx, a.env)
	if err != nil {
		return list, err
	}
	if f.Fingerprint == "" && last != nil && last.Print() == out.Fingerprint {
		return list, nil
	}
	there := have.paths()
	if last == nil || f.Fingerprint != "" { // what the catalog was then is not known
		for _, step := range out.Steps {
			if _, ok := there[step.Entity]; ok && !slices.Contains(list, step.Entity) {
				list = append(list, step.Entity)
			}
		}
		return list, nil
	}
	var c errs.Checks
	then := last.build(&c, a.now)
	then.adopt(before)
	changed := map[StepEntity]bool{}
	for _, step := range plan(&c, *last, before, then) {
		changed[step.Entity] = true
	}
	for _, step := range out.Steps {
		if changed[step.Entity] && !slices.Contains(list, step.Entity) {
			list = append(list, step.Entity)
		}
	}
	return list, nil
}

// adopt gives entities that exist their internal ids.
func (w *Whole) adopt(before Whole) {
	products, features := map[string]string{}, map[string]string{}
	old := index(before.Products, func(p *Product) string { return p.RefID })
	for i := range w.Products {
		if was := old[w.Products[i].RefID]; was != nil {
			products[w.Products[i].ID], w.Products[i].ID = was.ID, was.ID
		}
	}
	oldFeatures := index(before.Features, func(f *Feature) string { return f.RefID })
	for i := range w.Features {
		if was := oldFeatures[w.Features[i].RefID]; was != nil {
			features[w.Features[i].ID], w.Features[i].ID = was.ID, was.ID
		}
	}
	for i := range w.Packages {
		p := &w.Packages[i]
		if of, ok := products[p.ProductID]; ok {
			p.ProductID = of
		}
		for _, v := range []*Version{p.Latest, p.Draft} {
			if v != nil {
				v.adopt(features)
			}
		}
	}
}

func (v *Version) adopt(features map[string]string) {
	for i := range v.Entitlements {
		if of, ok := features[v.Entitlements[i].FeatureID]; ok {
			v.Entitlements[i].FeatureID = of
		}
	}
	for i := range v.Prices {
		if of, ok := features[v.Prices[i].FeatureID]; ok {
			v.Prices[i].FeatureID = of
		}
	}
}

// warnings looks at what the steps publish. What nobody has checked is left out: a catalog that was just described would
// name every feature.
func (w *Whole) warnings(before Whole, steps []Step) []Warning {
	list := []Warning{}
	addons := ofKind(w.Packages, KindAddon)
	for _, kind := range []Kind{KindAddon, KindPlan} {
		now, then := ofKind(w.Packages, kind), ofKind(before.Packages, kind)
		for _, step := range steps {
			p := now[step.Entity.ID]
			if step.Entity.Type != kind.Noun() || step.Action != ActionCreate && step.Action != ActionPublish || p.Latest == nil {
				continue
			}
			var refs []Package
			for _, ref := range distinct(append(slices.Clone(p.Latest.Compatible), p.Latest.Dependencies...)) {
				if a := addons[ref]; a != nil {
					refs = append(refs, *a)
				}
			}
			found := p.Latest.addonWarnings(refs)
			if was := then[step.Entity.ID]; was != nil {
				found = append(found, p.Latest.lowered(was.Latest)...)
			}
			for _, warning := range append(found, p.Latest.missingPeriods()...) {
				warning.Path = kind.Noun() + "s." + step.Entity.ID + "." + warning.Path
				list = append(list, warning)
			}
		}
	}
	return list
}

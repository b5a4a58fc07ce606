package catalog

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// MaxEntitlements is how many entitlements one call can add.
const MaxEntitlements = 100

// Entitlements reads the entitlements of a version in their order, without inherited ones.
func (s *Packages) Entitlements(ctx context.Context, env tenant.ID, ref string, view View) ([]Entitlement, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) ([]Entitlement, error) {
		p, err := st.PackageByRef(ctx, env, s.kind, ref)
		if err != nil {
			return nil, err
		}
		v, err := p.version(view)
		if err != nil {
			return nil, err
		}
		return v.entitlements(view == Public), nil
	})
}

// entitlements are the version's own rows as they are shown: softened by overage, and for the public without hidden ones.
func (v *Version) entitlements(public bool) []Entitlement {
	rows := make([]Entitlement, 0, len(v.Entitlements))
	for _, e := range v.Entitlements {
		if public && slices.Contains(e.HiddenFromWidgets, Paywall) {
			continue
		}
		e.Soft = v.Soft(&e)
		rows = append(rows, e)
	}
	return rows
}

// EditedEntitlements are rows of a draft after a change, and the version of their package.
type EditedEntitlements struct {
	Rows    []Entitlement
	Version int64
}

// AddEntitlements adds entitlements to a package's draft, all or none, and returns them. A feature that is used for the
// first time becomes ACTIVE.
func (s *Packages) AddEntitlements(ctx context.Context, env tenant.ID, ref string, in []NewEntitlement, match ...IfVersion) (EditedEntitlements, error) {
	var none EditedEntitlements
	if err := validateNew(in); err != nil {
		return none, err
	}
	return editPackage(ctx, s, env, ref, match, func(e edit) (EditedEntitlements, error) {
		v, err := e.draft(ErrEntitlementsNotDraft)
		if err != nil {
			return none, err
		}
		groups, err := e.st.LockGroups(ctx, env, groupsOf(in))
		if err != nil {
			return none, err
		}
		refs := featuresOf(in)
		features, err := lockFeatures(ctx, e.st, env, refs)
		if err != nil {
			return none, err
		}
		var c errs.Checks
		added := v.add(&c, s.kind, in, features, groups, e.now)
		if err := c.Err(); err != nil {
			return none, err
		}
		for _, row := range added {
			e.st.InsertEntitlement(env, v.ID, row)
		}
		e.activate(features, refs...)
		e.saveDraft(draftUpdated)
		return e.edited(added...), nil
	})
}

func (e *edit) edited(rows ...Entitlement) EditedEntitlements {
	shown := slices.Clone(rows)
	for i := range shown {
		shown[i].Soft = e.pkg.Draft.Soft(&shown[i])
	}
	return EditedEntitlements{shown, e.pkg.Version}
}

func validateNew(in []NewEntitlement) error {
	var c errs.Checks
	if n := len(in); n < 1 || n > MaxEntitlements {
		c.Shape("entitlements", "must have 1 to %d items", MaxEntitlements)
	}
	for i, n := range in {
		path := entitlementPath(i)
		if n.Type != "" {
			checkOneOf(&c, path+"type", n.Type, FeatureEntitlement, CreditEntitlement)
		}
		checkGivenRef(&c, path+"id", n.Ref)
	}
	return c.Err()
}

func entitlementPath(i int) string { return fmt.Sprintf("entitlements[%d].", i) }

func (n *NewEntitlement) credits() bool { return n.Type == CreditEntitlement }

func featuresOf(in []NewEntitlement) (refs []string) {
	for i := range in {
		if !in[i].credits() && !slices.Contains(refs, in[i].Ref) {
			refs = append(refs, in[i].Ref)
		}
	}
	return refs
}

func groupsOf(in []NewEntitlement) (refs []string) {
	for i := range in {
		refs = append(refs, in[i].FeatureGroups.Value...)
	}
	return distinct(refs)
}

// lockFeatures locks features in one order for everybody and finds them by refId.
func lockFeatures(ctx context.Context, st Store, env tenant.ID, refs []string) (map[string]*Feature, error) {
	byRef := map[string]*Feature{}
	if len(refs) == 0 {
		return byRef, nil
	}
	list, err := st.LockFeatures(ctx, env, refs)
	for i := range list {
		byRef[list[i].RefID] = &list[i]
	}
	return byRef, err
}

// add checks new entitlements against the version, makes their rows and adds them to it.
func (v *Version) add(c *errs.Checks, kind Kind, in []NewEntitlement, features map[string]*Feature, groups []FeatureGroup, now time.Time) []Entitlement {
	added := make([]Entitlement, 0, len(in))
	for i, n := range in {
		path := entitlementPath(i)
		if v.find(n.Type, n.Ref) != nil {
			c.Named(errs.Duplicated, path+"id", "the %s already has an entitlement to %s", kind.Word(), n.Ref)
			continue
		}
		row, ok := n.row(c, path, kind, features, groups, now)
		if ok {
			v.Entitlements = append(v.Entitlements, row)
			added = append(added, row)
		}
	}
	for i := range added {
		v.checkDependency(c, &added[i], entitlementPath(indexOf(in, &added[i])))
	}
	return added
}

func indexOf(in []NewEntitlement, e *Entitlement) int {
	return slices.IndexFunc(in, func(n NewEntitlement) bool { return n.credits() == (e.Type == CreditEntitlement) && n.Ref == e.Ref() })
}

// row makes the row of a new entitlement.
func (n *NewEntitlement) row(c *errs.Checks, path string, kind Kind, features map[string]*Feature, groups []FeatureGroup, now time.Time) (row Entitlement, ok bool) {
	if n.credits() {
		row = newCredits(n.Ref, now)
		n.applyCredits(c, path, kind, &row)
		return row, true
	}
	f := features[n.Ref]
	if f == nil {
		c.Named(ErrFeatureNotFound, path+"id", "there is no feature %s", n.Ref)
		return row, false
	}
	if f.Status == FeatureSuspended {
		c.Rule(path+"id", "the feature %s is archived", n.Ref)
	}
	row = newEntitlement(*f, now)
	n.apply(c, path, kind, *f, &row)
	checkGroups(c, path+"featureGroupIds", row, n.FeatureGroups.Value, groups)
	return row, true
}

// checkGroups records groups through which the feature cannot have been added.
func checkGroups(c *errs.Checks, path string, row Entitlement, given []string, groups []FeatureGroup) {
	for i, ref := range given {
		at := slices.IndexFunc(groups, func(g FeatureGroup) bool { return g.RefID == ref })
		switch {
		case at < 0:
			c.Named(ErrGroupNotFound, fmt.Sprintf("%s[%d]", path, i), "there is no feature group %s", ref)
		case groups[at].Status == Archived:
			c.Rule(fmt.Sprintf("%s[%d]", path, i), "the feature group %s is archived", ref)
		case !slices.Contains(groups[at].Features, row.FeatureRefID):
			c.Rule(fmt.Sprintf("%s[%d]", path, i), "the group %s does not have the feature %s", ref, row.FeatureRefID)
		}
	}
}

// checkDependency checks that credits which grow with a feature's limit are beside an entitlement to that feature.
func (v *Version) checkDependency(c *errs.Checks, e *Entitlement, path string) {
	if e.DependencyFeature == "" {
		return
	}
	if on := v.find(FeatureEntitlement, e.DependencyFeature); on == nil || on.UsageLimit == nil && !on.IsCustom {
		c.Named(ErrOtherPackage, path+"dependencyFeatureId",
			"the package has no entitlement to %s with a limit that could multiply the credits", e.DependencyFeature)
	}
}

// find returns a row of the version, or nil. An empty type is FEATURE.
func (v *Version) find(typ, ref string) *Entitlement {
	for i := range v.Entitlements {
		if e := &v.Entitlements[i]; e.Ref() == ref && (e.Type == CreditEntitlement) == (typ == CreditEntitlement) {
			return e
		}
	}
	return nil
}

// uses reports whether the version entitles to a feature or charges for it.
func (v *Version) uses(featureRef string) bool {
	return v.find(FeatureEntitlement, featureRef) != nil ||
		slices.ContainsFunc(v.Prices, func(p Price) bool { return p.FeatureRefID == featureRef })
}

// put replaces the row of the same feature or adds a new one; replaced tells which.
func (v *Version) put(row Entitlement) (replaced bool) {
	if old := v.find(row.Type, row.Ref()); old != nil {
		*old = row
		return true
	}
	v.Entitlements = append(v.Entitlements, row)
	SortEntitlements(v.Entitlements)
	return false
}

// include makes the entitlements that overage charges come with.
func (v *Version) include(c *errs.Checks, path string, p *Pricing, features map[string]*Feature, now time.Time) (rows []Entitlement) {
	for i, m := range p.Overage {
		at := fmt.Sprintf("%s.overagePricingModels[%d]", path, i)
		f := features[m.FeatureID]
		switch e := m.Entitlement; {
		case f == nil || !f.Metered():
		case e != nil:
			row := newEntitlement(*f, now)
			if old := v.find(FeatureEntitlement, f.RefID); old != nil {
				row = *old
				row.UpdatedAt = now
			}
			row.UsageLimit, row.Unlimited, row.Soft = e.UsageLimit, e.Unlimited, e.Soft
			row.ResetPeriod, row.ResetConfiguration = e.ResetPeriod, e.configuration(e.ResetPeriod)
			v.checkDependents(c, at+".entitlement.usageLimit", &row)
			rows = append(rows, row)
		case v.find(FeatureEntitlement, m.FeatureID) == nil:
			c.Rule(at+".entitlement", "is required, since the package has no entitlement to %s that says what is included", m.FeatureID)
		}
	}
	return rows
}

// UpdateEntitlement changes one entitlement of a package's draft. An empty type is FEATURE.
func (s *Packages) UpdateEntitlement(ctx context.Context, env tenant.ID, ref, typ, of string, in EntitlementUpdate, match ...IfVersion) (EditedEntitlements, error) {
	return editPackage(ctx, s, env, ref, match, func(e edit) (EditedEntitlements, error) {
		var none EditedEntitlements
		row, err := e.entitlement(typ, of)
		if err != nil {
			return none, err
		}
		before := *row
		var c errs.Checks
		if err := e.applyTo(&c, in, row); err != nil {
			return none, err
		}
		e.pkg.Draft.checkDependency(&c, row, "")
		e.pkg.Draft.checkDependents(&c, "usageLimit", row)
		if err := c.Err(); err != nil || reflect.DeepEqual(before, *row) {
			return e.edited(*row), err
		}
		row.UpdatedAt = e.now
		e.st.UpdateEntitlement(env, e.pkg.Draft.ID, *row)
		e.saveDraft(draftUpdated)
		return e.edited(*row), nil
	})
}

func (e *edit) applyTo(c *errs.Checks, in EntitlementUpdate, row *Entitlement) error {
	if row.Type == CreditEntitlement {
		in.applyCredits(c, "", e.pkg.Kind, row)
		return nil
	}
	groups, err := e.st.LockGroups(e.ctx, e.env, distinct(in.FeatureGroups.Value))
	if err != nil {
		return err
	}
	features, err := lockFeatures(e.ctx, e.st, e.env, []string{row.FeatureRefID})
	if err != nil {
		return err
	}
	in.apply(c, "", e.pkg.Kind, *features[row.FeatureRefID], row)
	checkGroups(c, "featureGroupIds", *row, in.FeatureGroups.Value, groups)
	return nil
}

// checkDependents checks that credits which grow with a row's limit still can.
func (v *Version) checkDependents(c *errs.Checks, path string, row *Entitlement) {
	for i := range v.Entitlements {
		other := &v.Entitlements[i]
		if row.Type == FeatureEntitlement && other.DependencyFeature == row.FeatureRefID && row.UsageLimit == nil && !row.IsCustom {
			c.Named(ErrOtherPackage, path, "the credits of %s grow with this limit", other.CurrencyID)
		}
	}
}

// RemoveEntitlement removes one entitlement of a package's draft and returns it. An empty type is whichever there is.
func (s *Packages) RemoveEntitlement(ctx context.Context, env tenant.ID, ref, of string, match ...IfVersion) (EditedEntitlements, error) {
	return editPackage(ctx, s, env, ref, match, func(e edit) (EditedEntitlements, error) {
		var none EditedEntitlements
		row, err := e.entitlement("", of)
		if err != nil {
			if row, err = e.entitlement(CreditEntitlement, of); err != nil {
				return none, err
			}
		}
		removed, v := *row, e.pkg.Draft
		for _, other := range v.Entitlements {
			if removed.Type == FeatureEntitlement && other.DependencyFeature == removed.FeatureRefID {
				return none, ErrOtherPackage.Because("The credits of %s grow with the limit of %s. Remove them first.", other.CurrencyID, of)
			}
		}
		for _, p := range v.Prices {
			if removed.Type == FeatureEntitlement && p.Overage && p.FeatureID == removed.FeatureID {
				return none, errs.InvalidArgument.Because("The overage of %s is charged: its entitlement says what is included.", of)
			}
		}
		e.st.DeleteEntitlement(env, v.ID, removed)
		e.saveDraft(draftUpdated)
		return e.edited(removed), nil
	})
}

// entitlement finds a row of the draft.
func (e *edit) entitlement(typ, of string) (*Entitlement, error) {
	v, err := e.draft(ErrEntitlementsNotDraft)
	if err != nil {
		return nil, err
	}
	if row := v.find(typ, of); row != nil {
		return row, nil
	}
	return nil, ErrEntitlementNotFound.Because("%s has no entitlement to %s.", e.pkg.RefID, of)
}

// SortEntitlements brings rows into the order in which they are shown: by order where there is one, then by feature,
// credits last.
func SortEntitlements(rows []Entitlement) {
	slices.SortFunc(rows, func(a, b Entitlement) int {
		switch {
		case a.Order != nil && b.Order != nil && *a.Order != *b.Order:
			return cmp.Compare(*a.Order, *b.Order)
		case (a.Order == nil) != (b.Order == nil):
			if a.Order != nil {
				return -1
			}
			return 1
		}
		return cmp.Or(-cmp.Compare(a.Type, b.Type), cmp.Compare(a.Ref(), b.Ref()))
	})
}

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

// Entitlements reads the entitlements of a version in their order.
func (s *Plans) Entitlements(ctx context.Context, env tenant.ID, ref string, view View) ([]Entitlement, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) ([]Entitlement, error) {
		p, err := st.PlanByRef(ctx, env, ref)
		if err != nil {
			return nil, err
		}
		v, err := p.version(view)
		if err != nil || view != Public {
			return v.entitlements(), err
		}
		return slices.DeleteFunc(v.entitlements(), func(e Entitlement) bool {
			return slices.Contains(e.HiddenFromWidgets, Paywall)
		}), nil
	})
}

func (v *Version) entitlements() []Entitlement {
	if v == nil {
		return nil
	}
	return slices.Clone(v.Entitlements)
}

// AddEntitlements adds entitlements to a plan's draft, all or none, and returns them. A feature that is used for the
// first time becomes ACTIVE.
func (s *Plans) AddEntitlements(ctx context.Context, env tenant.ID, ref string, in []NewEntitlement) ([]Entitlement, error) {
	if err := validateNew(in); err != nil {
		return nil, err
	}
	return editPlan(ctx, s.db, env, ref, func(e edit) ([]Entitlement, error) {
		v, err := e.draft(ErrEntitlementsNotDraft)
		if err != nil {
			return nil, err
		}
		features, err := lockFeatures(ctx, e.st, env, in)
		if err != nil {
			return nil, err
		}
		added, err := v.add(in, features, e.now)
		if err != nil {
			return nil, err
		}
		for _, row := range added {
			e.st.InsertEntitlement(env, v.ID, row)
			if f := features[row.FeatureRefID]; f.Status == FeatureNew {
				f.Status = FeatureActive
				f.save(e.st, env, e.now)
			}
		}
		e.saveDraft(PlanDraftUpdated)
		return added, nil
	})
}

func validateNew(in []NewEntitlement) error {
	var c errs.Checks
	if n := len(in); n < 1 || n > MaxEntitlements {
		c.Shape("entitlements", "must have 1 to %d items", MaxEntitlements)
	}
	for i, n := range in {
		n.validate(&c, entitlementPath(i))
	}
	return c.Err()
}

func entitlementPath(i int) string { return fmt.Sprintf("entitlements[%d].", i) }

func lockFeatures(ctx context.Context, st Store, env tenant.ID, in []NewEntitlement) (map[string]*Feature, error) {
	refs := make([]string, 0, len(in))
	for _, n := range in {
		refs = append(refs, n.FeatureID)
	}
	list, err := st.LockFeatures(ctx, env, distinct(refs))
	byRef := make(map[string]*Feature, len(list))
	for i := range list {
		byRef[list[i].RefID] = &list[i]
	}
	return byRef, err
}

// add checks new entitlements against the version and makes their rows. v stays as it is.
func (v *Version) add(in []NewEntitlement, features map[string]*Feature, now time.Time) ([]Entitlement, error) {
	var c errs.Checks
	used := map[string]bool{}
	for _, e := range v.Entitlements {
		used[e.FeatureRefID] = true
	}
	added := make([]Entitlement, 0, len(in))
	for i, n := range in {
		path := entitlementPath(i)
		f := features[n.FeatureID]
		switch {
		case f == nil:
			c.Named(ErrFeatureNotFound, path+"id", "there is no feature %s", n.FeatureID)
			continue
		case f.Status == FeatureSuspended:
			c.Rule(path+"id", "the feature %s is archived", n.FeatureID)
		case used[n.FeatureID]:
			c.Named(errs.Duplicated, path+"id", "the plan already has an entitlement to %s", n.FeatureID)
		}
		used[n.FeatureID] = true
		e := newEntitlement(*f, now)
		n.apply(&c, path, *f, &e)
		added = append(added, e)
	}
	return added, c.Err()
}

// UpdateEntitlement changes one entitlement of a plan's draft.
func (s *Plans) UpdateEntitlement(ctx context.Context, env tenant.ID, ref, feature string, in EntitlementUpdate) (Entitlement, error) {
	var c errs.Checks
	if in.validate(&c, ""); c.Failed() {
		return Entitlement{}, c.Err()
	}
	return editPlan(ctx, s.db, env, ref, func(e edit) (Entitlement, error) {
		row, err := e.entitlement(feature)
		if err != nil {
			return row, err
		}
		f, err := e.st.FeatureByRef(ctx, env, feature)
		if err != nil {
			return row, err
		}
		before := row
		var c errs.Checks
		in.apply(&c, "", f, &row)
		if err := c.Err(); err != nil || reflect.DeepEqual(before, row) {
			return row, err
		}
		row.UpdatedAt = e.now
		e.st.UpdateEntitlement(env, e.plan.Draft.ID, row)
		e.saveDraft(PlanDraftUpdated)
		return row, nil
	})
}

// RemoveEntitlement removes one entitlement of a plan's draft and returns it.
func (s *Plans) RemoveEntitlement(ctx context.Context, env tenant.ID, ref, feature string) (Entitlement, error) {
	return editPlan(ctx, s.db, env, ref, func(e edit) (Entitlement, error) {
		row, err := e.entitlement(feature)
		if err != nil {
			return row, err
		}
		e.st.DeleteEntitlement(env, e.plan.Draft.ID, row.FeatureID)
		e.saveDraft(PlanDraftUpdated)
		return row, nil
	})
}

// entitlement finds a row of the draft.
func (e *edit) entitlement(feature string) (Entitlement, error) {
	v, err := e.draft(ErrEntitlementsNotDraft)
	if err != nil {
		return Entitlement{}, err
	}
	for _, row := range v.Entitlements {
		if row.FeatureRefID == feature {
			return row, nil
		}
	}
	return Entitlement{}, ErrEntitlementNotFound.Because("%s has no entitlement to %s.", e.plan.RefID, feature)
}

// SortEntitlements brings rows into the order in which they are shown: by order where there is one, then by feature.
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
		return cmp.Compare(a.FeatureRefID, b.FeatureRefID)
	})
}

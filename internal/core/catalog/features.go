package catalog

import (
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// Features are the use cases of features.
type Features struct {
	db       tx.Runner[Store]
	recounts Recounts // nil for none
}

// Recounts counts a feature's events again when its meter has changed; provisioning has it.
type Recounts interface {
	// Start makes the task in the transaction of the change; Run begins with it once that has committed.
	Start(st Store, env tenant.ID, featureID string) (taskID string)
	Run(env tenant.ID, taskID string)
}

// WithRecounts returns the same use cases, with events that are counted again.
func (s *Features) WithRecounts(r Recounts) *Features { return &Features{s.db, r} }

// NewFeatures returns the use cases on a database.
func NewFeatures(db tx.Runner[Store]) *Features { return &Features{db: db} }

// Create makes a feature. It is NEW until a package first uses it.
func (s *Features) Create(ctx context.Context, env tenant.ID, in NewFeature) (Feature, error) {
	if err := in.Validate(); err != nil {
		return Feature{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Feature, error) {
		f := in.feature(now)
		st.InsertFeature(env, f)
		st.TouchCatalog(env)
		st.Append(env, f.event(FeatureCreated))
		return f, nil
	})
}

// Get reads a feature, archived ones too.
func (s *Features) Get(ctx context.Context, env tenant.ID, ref string) (Feature, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (Feature, error) {
		return st.FeatureByRef(ctx, env, ref)
	})
}

// List reads a page of features.
func (s *Features) List(ctx context.Context, env tenant.ID, f FeatureFilter, p page.Request) (page.Of[Feature], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Feature], error) {
		return st.ListFeatures(ctx, env, f, p)
	})
}

// Update changes a feature. Enum values that are in use stay, and so do the units of a feature that is charged for.
func (s *Features) Update(ctx context.Context, env tenant.ID, ref string, in FeatureUpdate) (Feature, error) {
	f, err := s.change(ctx, env, ref, func(st Store, f *Feature, now time.Time) error {
		before := *f
		var c errs.Checks
		in.apply(&c, f)
		if in.EnumValues.Set || in.Transformation.Set {
			uses, err := st.FeatureUses(ctx, env, f.ID)
			if err != nil {
				return err
			}
			f.checkChange(&c, "", before, uses)
		}
		if err := c.Err(); err != nil || reflect.DeepEqual(before, *f) {
			return err
		}
		f.saveAs(FeatureUpdated, st, env, now)
		if f.MeterVersion != before.MeterVersion && s.recounts != nil {
			f.TaskID = s.recounts.Start(st, env, f.ID)
		}
		return nil
	})
	if err == nil && f.TaskID != "" {
		s.recounts.Run(env, f.TaskID)
	}
	return f, err
}

// Archive suspends a feature: no new entitlement can have it, existing ones stay. While a draft or a published package
// uses it that needs force, else it is ErrDeleteFeature. Archiving it again changes nothing.
func (s *Features) Archive(ctx context.Context, env tenant.ID, ref string, force bool) (Feature, error) {
	return s.change(ctx, env, ref, func(st Store, f *Feature, now time.Time) error {
		if f.Status == FeatureSuspended {
			return nil
		}
		uses, err := st.FeatureUses(ctx, env, f.ID)
		if err != nil {
			return err
		}
		if len(uses.Packages) > 0 && !force {
			return ErrDeleteFeature.Because("The feature %s is used by %s. Remove it there, or archive it with force=true.",
				ref, shortList(uses.Packages))
		}
		f.Status = FeatureSuspended
		f.saveAs(FeatureDeleted, st, env, now)
		return nil
	})
}

// Unarchive brings a feature back: ACTIVE when a package uses it, else NEW. Doing it again changes nothing.
func (s *Features) Unarchive(ctx context.Context, env tenant.ID, ref string) (Feature, error) {
	return s.change(ctx, env, ref, func(st Store, f *Feature, now time.Time) error {
		if f.Status != FeatureSuspended {
			return nil
		}
		uses, err := st.FeatureUses(ctx, env, f.ID)
		if err != nil {
			return err
		}
		f.Status = FeatureNew
		if len(uses.Packages) > 0 {
			f.Status = FeatureActive
		}
		f.saveAs(FeatureUnarchived, st, env, now)
		return nil
	})
}

func (s *Features) change(ctx context.Context, env tenant.ID, ref string, do func(Store, *Feature, time.Time) error) (Feature, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Feature, error) {
		f, err := st.LockFeature(ctx, env, ref)
		if err != nil {
			return f, err
		}
		err = do(st, &f, now)
		return f, err
	})
}

func (f *Feature) saveAs(typ string, st Store, env tenant.ID, now time.Time) {
	f.Version++
	f.UpdatedAt = now
	st.UpdateFeature(env, *f)
	st.TouchCatalog(env)
	st.Append(env, f.event(typ))
}

// shortList names a few of many.
func shortList(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and others"
}

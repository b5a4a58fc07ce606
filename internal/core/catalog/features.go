package catalog

import (
	"context"
	"reflect"
	"time"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// Features are the use cases of features.
type Features struct{ db tx.Runner[Store] }

// NewFeatures returns the use cases on a database.
func NewFeatures(db tx.Runner[Store]) *Features { return &Features{db} }

// Create makes a feature. It is NEW until a plan first uses it.
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

// Update changes how a feature is shown.
func (s *Features) Update(ctx context.Context, env tenant.ID, ref string, in FeatureUpdate) (Feature, error) {
	if err := in.Validate(); err != nil {
		return Feature{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Feature, error) {
		f, err := st.LockFeature(ctx, env, ref)
		if err != nil {
			return f, err
		}
		before := f
		if err := in.apply(&f); err != nil || reflect.DeepEqual(before, f) {
			return f, err
		}
		f.save(st, env, now)
		return f, nil
	})
}

func (f *Feature) save(st Store, env tenant.ID, now time.Time) {
	f.Version++
	f.UpdatedAt = now
	st.UpdateFeature(env, *f)
	st.TouchCatalog(env)
	st.Append(env, f.event(FeatureUpdated))
}

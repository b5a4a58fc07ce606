package catalog

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// maxGroup is the most features of a group.
const maxGroup = 500

// Groups are the use cases of feature groups.
type Groups struct{ db tx.Runner[Store] }

// NewGroups returns the use cases on a database.
func NewGroups(db tx.Runner[Store]) *Groups { return &Groups{db} }

// NewGroup is a feature group to be made. An empty ID lets one be made.
type NewGroup struct {
	ID          string
	DisplayName string
	Description *string
	Metadata    map[string]string
	Features    []string // refIds
}

// GroupUpdate is a partial change (contract §1.4). Features replaces the list.
type GroupUpdate struct {
	DisplayName *string
	Description opt.Of[string]
	Metadata    opt.Of[map[string]*string]
	Features    opt.Of[[]string]
}

func (g FeatureGroup) check(c *errs.Checks, path string) {
	checkNameAt(c, path+"displayName", g.DisplayName)
	checkText(c, path+"description", g.Description)
	if len(g.Features) > maxGroup {
		c.Shape(path+"featureIds", "must not have more than %d items", maxGroup)
	}
}

// Create makes a group.
func (s *Groups) Create(ctx context.Context, env tenant.ID, in NewGroup) (FeatureGroup, error) {
	var c errs.Checks
	checkRef(&c, "id", in.ID)
	metadata.Check(&c, "metadata", in.Metadata)
	g := FeatureGroup{
		DisplayName: in.DisplayName, Description: in.Description, Metadata: metadata.Given(in.Metadata),
		Features: distinct(in.Features), Status: Active, Version: 1,
	}
	if g.check(&c, ""); c.Failed() {
		return g, c.Err()
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (FeatureGroup, error) {
		made := g
		made.ID, made.RefID, made.CreatedAt, made.UpdatedAt = id.New(), refOr(in.ID, "feature-group"), now, now
		if err := checkMembers(ctx, st, env, in.Features, nil); err != nil {
			return made, err
		}
		st.InsertGroup(env, made)
		st.Append(env, made.event(GroupCreated))
		return made, nil
	})
}

// checkMembers names features that do not exist or, unless they are in the group already, are archived. It holds those
// that do until the end of the transaction.
func checkMembers(ctx context.Context, st Store, env tenant.ID, refs, before []string) error {
	features, err := lockFeatures(ctx, st, env, refs)
	if err != nil {
		return err
	}
	var c errs.Checks
	for i, ref := range refs {
		at := fmt.Sprintf("featureIds[%d]", i)
		switch f := features[ref]; {
		case f == nil:
			c.Named(ErrFeatureNotFound, at, "there is no feature %s", ref)
		case f.Status == FeatureSuspended && !slices.Contains(before, ref):
			c.Rule(at, "the feature %s is archived", ref)
		}
	}
	return c.Err()
}

// Get reads a group, archived ones too.
func (s *Groups) Get(ctx context.Context, env tenant.ID, ref string) (FeatureGroup, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (FeatureGroup, error) {
		return st.GroupByRef(ctx, env, ref)
	})
}

// List reads a page of groups.
func (s *Groups) List(ctx context.Context, env tenant.ID, f GroupFilter, p page.Request) (page.Of[FeatureGroup], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[FeatureGroup], error) {
		return st.ListGroups(ctx, env, f, p)
	})
}

// Update changes a group. A feature that is added is only offered to editors of packages; one that leaves is no longer
// linked to the group in drafts, and its entitlements stay (domain-catalog-provisioning §3.3).
func (s *Groups) Update(ctx context.Context, env tenant.ID, ref string, in GroupUpdate) (FeatureGroup, error) {
	var c errs.Checks
	metadata.CheckPatch(&c, "metadata", in.Metadata.Value)
	if c.Failed() {
		return FeatureGroup{}, c.Err()
	}
	return s.change(ctx, env, ref, func(st Store, g *FeatureGroup, now time.Time) error {
		before := *g
		var c errs.Checks
		if in.DisplayName != nil {
			g.DisplayName = *in.DisplayName
		}
		in.Description.Apply(&g.Description)
		g.Metadata = patchMetadata(&c, g.Metadata, in.Metadata)
		if in.Features.Set {
			g.Features = distinct(in.Features.Value)
			if err := checkMembers(ctx, st, env, in.Features.Value, before.Features); err != nil {
				return err
			}
		}
		if g.check(&c, ""); c.Failed() || reflect.DeepEqual(before, *g) {
			return c.Err()
		}
		gone := slices.DeleteFunc(slices.Clone(before.Features), func(f string) bool { return slices.Contains(g.Features, f) })
		if err := unlink(ctx, st, env, now, g.RefID, gone); err != nil {
			return err
		}
		g.saveAs(GroupUpdated, st, env, now)
		return nil
	})
}

// unlink forgets in drafts that features were added through a group which they have left.
func unlink(ctx context.Context, st Store, env tenant.ID, now time.Time, group string, features []string) error {
	packages, err := st.LockLinkedDrafts(ctx, env, group, features)
	for _, p := range packages {
		e := edit{ctx: ctx, st: st, env: env, now: now, pkg: p}
		e.unlink(group, features)
	}
	return err
}

// unlink changes the draft like any editor does: with a new version of its package and an event.
func (e *edit) unlink(group string, features []string) {
	changed := false
	for i := range e.pkg.Draft.Entitlements {
		row := &e.pkg.Draft.Entitlements[i]
		if !slices.Contains(row.FeatureGroups, group) || !slices.Contains(features, row.FeatureRefID) {
			continue
		}
		row.FeatureGroups = slices.DeleteFunc(slices.Clone(row.FeatureGroups), func(g string) bool { return g == group })
		row.UpdatedAt = e.now
		e.st.UpdateEntitlement(e.env, e.pkg.Draft.ID, *row)
		changed = true
	}
	if changed {
		e.saveDraft(draftUpdated)
	}
}

// Archive takes a group out of the editors' sight. Doing it again changes nothing.
func (s *Groups) Archive(ctx context.Context, env tenant.ID, ref string) (FeatureGroup, error) {
	return s.move(ctx, env, ref, Archived, GroupDeleted)
}

// Unarchive brings a group back. Doing it again changes nothing.
func (s *Groups) Unarchive(ctx context.Context, env tenant.ID, ref string) (FeatureGroup, error) {
	return s.move(ctx, env, ref, Active, GroupUnarchived)
}

func (s *Groups) move(ctx context.Context, env tenant.ID, ref, status, typ string) (FeatureGroup, error) {
	return s.change(ctx, env, ref, func(st Store, g *FeatureGroup, now time.Time) error {
		if g.Status != status {
			g.Status = status
			g.saveAs(typ, st, env, now)
		}
		return nil
	})
}

func (s *Groups) change(ctx context.Context, env tenant.ID, ref string, do func(Store, *FeatureGroup, time.Time) error) (FeatureGroup, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (FeatureGroup, error) {
		g, err := st.GroupByRef(ctx, env, ref)
		if err != nil {
			return g, err
		}
		// Products come before groups. A draft that is linked after this look waits for the group, and finds it changed.
		if _, err := st.LockLinkedDrafts(ctx, env, ref, g.Features); err != nil {
			return g, err
		}
		if g, err = st.LockGroup(ctx, env, ref); err != nil {
			return g, err
		}
		err = do(st, &g, now)
		return g, err
	})
}

func (g *FeatureGroup) saveAs(typ string, st Store, env tenant.ID, now time.Time) {
	g.Version++
	g.UpdatedAt = now
	st.UpdateGroup(env, *g)
	st.Append(env, g.event(typ))
}

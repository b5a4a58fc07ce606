package store

import (
	"context"
	"slices"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

var _ = constraint("feature_groups_ref", "feature_groups.environment, feature_groups.ref_id",
	errs.Duplicated.At("id", "There is a feature group with this id already."))

const selectGroup = `
	select g.id, g.ref_id, g.display_name, g.description, g.metadata, g.status, g.version, g.created_at, g.updated_at
	from feature_groups g`

func scanGroup(r rows) (catalog.FeatureGroup, error) {
	g := catalog.FeatureGroup{Metadata: map[string]string{}, Features: []string{}}
	err := r.Scan(&g.ID, &g.RefID, &g.DisplayName, &g.Description, fromJSON{&g.Metadata}, &g.Status, &g.Version,
		at{&g.CreatedAt}, at{&g.UpdatedAt})
	return g, err
}

// GroupByRef implements catalog.Store.
func (t *Tx) GroupByRef(ctx context.Context, env tenant.ID, ref string) (catalog.FeatureGroup, error) {
	return t.group(ctx, env, ref, "")
}

// LockGroup implements catalog.Store.
func (t *Tx) LockGroup(ctx context.Context, env tenant.ID, ref string) (catalog.FeatureGroup, error) {
	return t.group(ctx, env, ref, t.db.dialect().forUpdate())
}

func (t *Tx) group(ctx context.Context, env tenant.ID, ref, lock string) (catalog.FeatureGroup, error) {
	g, err := first(ctx, t, catalog.ErrGroupNotFound, scanGroup, selectGroup+` where g.environment = $1 and g.ref_id = $2`+lock, env, ref)
	if err != nil {
		return g, err
	}
	list := []catalog.FeatureGroup{g}
	err = t.fillGroups(ctx, env, list)
	return list[0], err
}

// LockGroups implements catalog.Store.
func (t *Tx) LockGroups(ctx context.Context, env tenant.ID, refs []string) ([]catalog.FeatureGroup, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	q := newList("feature_groups", "g", env)
	q.in("g.ref_id", refs)
	list, err := all(ctx, t, scanGroup, selectGroup+q.clause()+` order by g.id`+t.db.dialect().forUpdate(), q.args...)
	if err != nil {
		return nil, err
	}
	return list, t.fillGroups(ctx, env, list)
}

// ListGroups implements catalog.Store.
func (t *Tx) ListGroups(ctx context.Context, env tenant.ID, f catalog.GroupFilter, p page.Request) (page.Of[catalog.FeatureGroup], error) {
	q := newList("feature_groups", "g", env)
	q.ref("g.ref_id", f.ID)
	q.within("g.created_at", f.Created)
	q.status("g.status", f.Status, catalog.Archived)
	found, err := listPage(ctx, t, q, p, selectGroup, scanGroup, func(g catalog.FeatureGroup) string { return g.ID })
	if err != nil {
		return found, err
	}
	return found, t.fillGroups(ctx, env, found.Items)
}

// fillGroups reads the members.
func (t *Tx) fillGroups(ctx context.Context, env tenant.ID, list []catalog.FeatureGroup) error {
	for chunk := range slices.Chunk(list, fillChunk) {
		byID := make(map[string]*catalog.FeatureGroup, len(chunk))
		ids := make([]string, 0, len(chunk))
		for i := range chunk {
			byID[chunk[i].ID] = &chunk[i]
			ids = append(ids, chunk[i].ID)
		}
		q := newList("feature_group_members", "m", env)
		q.in("m.group_id", ids)
		err := t.each(ctx, func(r rows) error {
			var group, ref string
			err := r.Scan(&group, &ref)
			if g := byID[group]; g != nil {
				g.Features = append(g.Features, ref)
			}
			return err
		}, `
			select m.group_id, f.ref_id from feature_group_members m
			join features f on f.environment = m.environment and f.id = m.feature_id`+q.clause(), q.args...)
		if err != nil {
			return err
		}
		for i := range chunk {
			slices.Sort(chunk[i].Features)
		}
	}
	return nil
}

// InsertGroup implements catalog.Store.
func (t *Tx) InsertGroup(env tenant.ID, g catalog.FeatureGroup) {
	t.exec(`
		insert into feature_groups (environment, id, ref_id, display_name, description, metadata, status, version, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		env, g.ID, g.RefID, g.DisplayName, g.Description, asJSON(g.Metadata), g.Status, g.Version,
		stamp(g.CreatedAt), stamp(g.UpdatedAt))
	t.insertMembers(env, g)
}

// UpdateGroup implements catalog.Store.
func (t *Tx) UpdateGroup(env tenant.ID, g catalog.FeatureGroup) {
	t.expect(1, catalog.ErrGroupNotFound, `
		update feature_groups set display_name = $3, description = $4, metadata = $5, status = $6, version = $7, updated_at = $8
		where environment = $1 and id = $2`,
		env, g.ID, g.DisplayName, g.Description, asJSON(g.Metadata), g.Status, g.Version, stamp(g.UpdatedAt))
	t.exec(`delete from feature_group_members where environment = $1 and group_id = $2`, env, g.ID)
	t.insertMembers(env, g)
}

func (t *Tx) insertMembers(env tenant.ID, g catalog.FeatureGroup) {
	for _, ref := range g.Features {
		t.expect(1, catalog.ErrFeatureNotFound, `
			insert into feature_group_members (environment, group_id, feature_id)
			select f.environment, $2, f.id from features f where f.environment = $1 and f.ref_id = $3`, env, g.ID, ref)
	}
}

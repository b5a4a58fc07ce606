package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// FeatureGroups are the routes of feature groups (contract §4.3).
type FeatureGroups struct{ Groups *catalog.Groups }

func (h FeatureGroups) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return own(op{ID: id, Path: "/api/v1/feature-groups" + path, Tag: "Feature groups", Summary: summary, Permission: p})
	}
	list(api, row("listFeatureGroups", "", "List feature groups", auth.FeatureRead), h.list, groupOf)
	post(api, created(row("createFeatureGroup", "", "Create a feature group", auth.CatalogWrite)), h.create, data(groupOf))
	get(api, row("getFeatureGroup", "/{id}", "Read a feature group", auth.FeatureRead), h.get, data(groupOf))
	patch(api, row("updateFeatureGroup", "/{id}", "Change some fields of a feature group", auth.CatalogWrite), h.update, data(groupOf))
	post(api, row("archiveFeatureGroup", "/{id}/archive", "Archive a feature group", auth.CatalogWrite), h.archive, data(groupOf))
	post(api, row("unarchiveFeatureGroup", "/{id}/unarchive", "Bring an archived feature group back", auth.CatalogWrite), h.unarchive, data(groupOf))
}

type groupIDInput struct {
	ID string `path:"id"`
}

func (h FeatureGroups) get(ctx context.Context, env tenant.ID, in *groupIDInput) (catalog.FeatureGroup, error) {
	return h.Groups.Get(ctx, env, in.ID)
}

func (h FeatureGroups) archive(ctx context.Context, env tenant.ID, in *groupIDInput) (catalog.FeatureGroup, error) {
	return h.Groups.Archive(ctx, env, in.ID)
}

func (h FeatureGroups) unarchive(ctx context.Context, env tenant.ID, in *groupIDInput) (catalog.FeatureGroup, error) {
	return h.Groups.Unarchive(ctx, env, in.ID)
}

type listGroupsInput struct {
	Paging
	ID        string    `query:"id" maxLength:"255" doc:"Exactly this group."`
	Status    []string  `query:"status" enum:"ACTIVE,ARCHIVED" doc:"Archived groups are listed only when asked for."`
	CreatedAt DateRange `query:"createdAt"`
}

func (h FeatureGroups) list(ctx context.Context, env tenant.ID, in *listGroupsInput) (page.Of[catalog.FeatureGroup], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[catalog.FeatureGroup]{}, err
	}
	return h.Groups.List(ctx, env, catalog.GroupFilter{ID: in.ID, Status: in.Status, Created: page.Range(in.CreatedAt)}, p)
}

type createGroupInput struct {
	Body struct {
		ID          string            `json:"id,omitempty" minLength:"1" maxLength:"255" format:"ref" doc:"Made when absent."`
		DisplayName string            `json:"displayName" minLength:"1" maxLength:"255"`
		Description Opt[string]       `json:"description,omitzero" maxLength:"255"`
		FeatureIDs  []string          `json:"featureIds,omitempty" maxItems:"500"`
		Metadata    map[string]string `json:"metadata,omitempty" format:"metadata"`
	}
}

func (h FeatureGroups) create(ctx context.Context, env tenant.ID, in *createGroupInput) (catalog.FeatureGroup, error) {
	b := in.Body
	return h.Groups.Create(ctx, env, catalog.NewGroup{
		ID: b.ID, DisplayName: b.DisplayName, Description: b.Description.Ptr(), Features: b.FeatureIDs, Metadata: b.Metadata,
	})
}

type updateGroupInput struct {
	ID   string `path:"id"`
	Body struct {
		DisplayName Given[string]           `json:"displayName,omitzero" minLength:"1" maxLength:"255"`
		Description Opt[string]             `json:"description,omitzero" maxLength:"255"`
		FeatureIDs  Opt[[]string]           `json:"featureIds,omitzero" maxItems:"500" doc:"The list replaces what was there."`
		Metadata    Opt[map[string]*string] `json:"metadata,omitzero" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
	}
}

func (h FeatureGroups) update(ctx context.Context, env tenant.ID, in *updateGroupInput) (catalog.FeatureGroup, error) {
	b := in.Body
	return h.Groups.Update(ctx, env, in.ID, catalog.GroupUpdate{
		DisplayName: b.DisplayName.Ptr(), Description: change(b.Description), Features: change(b.FeatureIDs), Metadata: change(b.Metadata),
	})
}

// groupBody is a feature group on the wire.
type groupBody struct {
	ID          string            `json:"id"`
	DisplayName string            `json:"displayName"`
	Description Opt[string]       `json:"description"`
	FeatureIDs  []string          `json:"featureIds"`
	Status      string            `json:"status" enum:"ACTIVE,ARCHIVED"`
	Metadata    map[string]string `json:"metadata"`
	CreatedAt   Time              `json:"createdAt"`
	UpdatedAt   Time              `json:"updatedAt"`
}

func groupOf(g catalog.FeatureGroup) groupBody {
	return groupBody{
		ID: g.RefID, DisplayName: g.DisplayName, Description: FromPtr(g.Description), FeatureIDs: g.Features, Status: g.Status,
		Metadata: g.Metadata, CreatedAt: At(g.CreatedAt), UpdatedAt: At(g.UpdatedAt),
	}
}

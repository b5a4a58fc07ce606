package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Features are the routes of features.
type Features struct{ Features *catalog.Features }

func (h Features) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/features" + path, Tag: "Features", Summary: summary, Permission: p}
	}
	create := row("createFeature", "", "Create a feature", auth.CatalogWrite)
	create.Status = 201
	list(api, row("listFeatures", "", "List features", auth.FeatureRead), h.list, featureOf)
	post(api, create, h.create, data(featureOf))
	get(api, row("getFeature", "/{id}", "Read a feature", auth.FeatureRead), h.get, data(featureOf))
	post(api, row("archiveFeature", "/{id}/archive", "Archive a feature: nothing new can use it", auth.CatalogWrite), h.archive, data(featureOf))
	post(api, row("unarchiveFeature", "/{id}/unarchive", "Bring an archived feature back", auth.CatalogWrite), h.unarchive, data(featureOf))
	patch(api, row("updateFeature", "/{id}", "Change some fields of a feature", auth.CatalogWrite), h.update, data(featureOf))
}

type featureIDInput struct {
	ID string `path:"id"`
}

func (h Features) get(ctx context.Context, env tenant.ID, in *featureIDInput) (catalog.Feature, error) {
	return h.Features.Get(ctx, env, in.ID)
}

type listFeaturesInput struct {
	Paging
	ID          string    `query:"id" maxLength:"255" doc:"Exactly this feature."`
	FeatureType []string  `query:"featureType" enum:"BOOLEAN,NUMBER,ENUM"`
	MeterType   []string  `query:"meterType" enum:"None,FLUCTUATING,INCREMENTAL"`
	Status      []string  `query:"status" enum:"NEW,SUSPENDED,ACTIVE" doc:"Archived (SUSPENDED) features are listed only when asked for."`
	CreatedAt   DateRange `query:"createdAt"`
}

func (h Features) list(ctx context.Context, env tenant.ID, in *listFeaturesInput) (page.Of[catalog.Feature], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[catalog.Feature]{}, err
	}
	return h.Features.List(ctx, env, catalog.FeatureFilter{
		ID: in.ID, Types: in.FeatureType, Meters: in.MeterType, Status: in.Status, Created: page.Range(in.CreatedAt),
	}, p)
}

type archiveFeatureInput struct {
	ID    string `path:"id"`
	Force bool   `query:"force" doc:"Archive it though packages use it."`
}

func (h Features) archive(ctx context.Context, env tenant.ID, in *archiveFeatureInput) (catalog.Feature, error) {
	return h.Features.Archive(ctx, env, in.ID, in.Force)
}

func (h Features) unarchive(ctx context.Context, env tenant.ID, in *featureIDInput) (catalog.Feature, error) {
	return h.Features.Unarchive(ctx, env, in.ID)
}

// createFeatureInput leaves out featureStatus: a feature is NEW until a package uses it (contract §4.2).
type createFeatureInput struct {
	Body struct {
		ID                 string                      `json:"id,omitempty" minLength:"1" maxLength:"255" format:"ref" doc:"Made when absent."`
		DisplayName        string                      `json:"displayName" minLength:"1" maxLength:"255"`
		Description        Opt[string]                 `json:"description,omitzero" maxLength:"255"`
		FeatureType        string                      `json:"featureType" enum:"BOOLEAN,NUMBER,ENUM" doc:"Fixed at creation."`
		MeterType          string                      `json:"meterType,omitempty" enum:"None,FLUCTUATING,INCREMENTAL" doc:"Fixed at creation. Default: None."`
		FeatureUnits       Opt[string]                 `json:"featureUnits,omitzero" maxLength:"255"`
		FeatureUnitsPlural Opt[string]                 `json:"featureUnitsPlural,omitzero" maxLength:"255"`
		EnumConfiguration  Opt[[]catalog.EnumValue]    `json:"enumConfiguration,omitzero" maxItems:"255" doc:"Of an ENUM feature: its values."`
		UnitTransformation Opt[catalog.Transformation] `json:"unitTransformation,omitzero" doc:"Shows usage in other units."`
		Scale              int                         `json:"scale,omitempty" minimum:"0" maximum:"6" doc:"Of a metered feature: how many decimal places usage has. Fixed at creation. Default: 0."`
		Metadata           map[string]string           `json:"metadata,omitempty" format:"metadata"`
	}
}

func (h Features) create(ctx context.Context, env tenant.ID, in *createFeatureInput) (catalog.Feature, error) {
	b := in.Body
	return h.Features.Create(ctx, env, catalog.NewFeature{
		ID: b.ID, DisplayName: b.DisplayName, Description: b.Description.Ptr(), Type: b.FeatureType, MeterType: b.MeterType,
		Units: b.FeatureUnits.Ptr(), UnitsPlural: b.FeatureUnitsPlural.Ptr(), EnumValues: b.EnumConfiguration.Or(nil),
		Transformation: b.UnitTransformation.Ptr(), Scale: uint8(b.Scale), Metadata: b.Metadata,
	})
}

type updateFeatureInput struct {
	ID   string `path:"id"`
	Body struct {
		DisplayName        Given[string]               `json:"displayName,omitzero" minLength:"1" maxLength:"255"`
		Description        Opt[string]                 `json:"description,omitzero" maxLength:"255"`
		FeatureUnits       Opt[string]                 `json:"featureUnits,omitzero" maxLength:"255"`
		FeatureUnitsPlural Opt[string]                 `json:"featureUnitsPlural,omitzero" maxLength:"255"`
		EnumConfiguration  Opt[[]catalog.EnumValue]    `json:"enumConfiguration,omitzero" maxItems:"255" doc:"Values that are in use stay."`
		UnitTransformation Opt[catalog.Transformation] `json:"unitTransformation,omitzero" doc:"Cannot change once a published package charges for the feature."`
		Meter              Opt[catalog.Meter]          `json:"meter,omitzero" doc:"How raw events become usage. What was counted is counted again from the stored events."`
		Metadata           Opt[map[string]*string]     `json:"metadata,omitzero" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
	}
}

func (h Features) update(ctx context.Context, env tenant.ID, in *updateFeatureInput) (catalog.Feature, error) {
	b := in.Body
	return h.Features.Update(ctx, env, in.ID, catalog.FeatureUpdate{
		DisplayName: b.DisplayName.Ptr(), Description: change(b.Description), Units: change(b.FeatureUnits),
		UnitsPlural: change(b.FeatureUnitsPlural), EnumValues: change(b.EnumConfiguration),
		Transformation: change(b.UnitTransformation), Meter: change(b.Meter), Metadata: change(b.Metadata),
	})
}

// featureBody is a feature on the wire.
type featureBody struct {
	ID                 string                   `json:"id"`
	DisplayName        string                   `json:"displayName"`
	Description        Opt[string]              `json:"description"`
	FeatureType        string                   `json:"featureType" enum:"BOOLEAN,NUMBER,ENUM"`
	MeterType          string                   `json:"meterType" enum:"None,FLUCTUATING,INCREMENTAL"`
	FeatureStatus      string                   `json:"featureStatus" enum:"NEW,SUSPENDED,ACTIVE"`
	FeatureUnits       Opt[string]              `json:"featureUnits"`
	FeatureUnitsPlural Opt[string]              `json:"featureUnitsPlural"`
	EnumConfiguration  Opt[[]catalog.EnumValue] `json:"enumConfiguration"`
	UnitTransformation Opt[transformationBody]  `json:"unitTransformation"`
	Scale              int                      `json:"scale" doc:"How many decimal places usage has."`
	Meter              Opt[catalog.Meter]       `json:"meter"`
	TaskID             Opt[string]              `json:"taskId,omitzero" doc:"The task that counts the stored events again: in the answer to a change of the meter."`
	Metadata           map[string]string        `json:"metadata"`
	CreatedAt          Time                     `json:"createdAt"`
	UpdatedAt          Time                     `json:"updatedAt"`
}

type transformationBody struct {
	Divide             int64       `json:"divide"`
	Round              string      `json:"round" enum:"UP,DOWN"`
	FeatureUnits       Opt[string] `json:"featureUnits"`
	FeatureUnitsPlural Opt[string] `json:"featureUnitsPlural"`
}

func transformationOf(t *catalog.Transformation) Opt[transformationBody] {
	if t == nil {
		return Null[transformationBody]()
	}
	return Some(transformationBody{t.Divide, t.Round, FromPtr(t.Units), FromPtr(t.UnitsPlural)})
}

func featureOf(f catalog.Feature) featureBody {
	b := featureBody{
		ID: f.RefID, DisplayName: f.DisplayName, Description: FromPtr(f.Description), FeatureType: f.Type,
		MeterType: f.MeterType, FeatureStatus: f.Status, FeatureUnits: FromPtr(f.Units),
		FeatureUnitsPlural: FromPtr(f.UnitsPlural), UnitTransformation: transformationOf(f.Transformation), Scale: int(f.Scale), Meter: FromPtr(f.Meter),
		Metadata: f.Metadata, CreatedAt: At(f.CreatedAt), UpdatedAt: At(f.UpdatedAt),
	}
	if f.TaskID != "" {
		b.TaskID = Some(f.TaskID)
	}
	if len(f.EnumValues) > 0 {
		b.EnumConfiguration = Some(f.EnumValues)
	}
	return b
}

package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// CatalogFiles are the routes of the catalog as one document.
type CatalogFiles struct{ Files *catalog.Files }

// fileLimit is the largest catalog file in bytes.
const fileLimit = 8 << 20

func (h CatalogFiles) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return own(op{ID: id, Path: "/api/v1/catalog" + path, Tag: "Catalog file", Summary: summary, Permission: p, BodyLimit: fileLimit})
	}
	get(api, row("exportCatalog", "", "Write the catalog down", auth.CatalogWrite), h.export, data(same[catalog.File]))
	post(api, row("planCatalog", "/plan", "Say what applying a catalog file would do", auth.CatalogWrite), h.plan, data(outcomeOf))
	post(api, row("applyCatalog", "/apply", "Make the catalog what the file says", auth.CatalogWrite), h.apply, data(outcomeOf))
	raw[struct{}, map[string]any](api, op{
		ID: "catalogSchema", Path: "/schema/catalog.json", Tag: "Catalog file", Summary: "The JSON Schema of catalog files",
		Public: true, Own: true, Bare: true,
	}, func(w http.ResponseWriter, _ *http.Request, _ auth.Identity) error {
		return writeJSON(w, string(catalogSchema))
	})
}

func same[T any](v T) T { return v }

type emptyInput struct{}

func (h CatalogFiles) export(ctx context.Context, env tenant.ID, _ *emptyInput) (catalog.File, error) {
	return h.Files.Export(ctx, env)
}

// catalogFile is a catalog file in a request. Its rules are checked together with its shape, so that a file with twenty
// mistakes names twenty.
type catalogFile struct{ file catalog.File }

// UnmarshalJSON reads a file.
func (f *catalogFile) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &f.file) }

// Schema is that of a catalog file.
func (catalogFile) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[catalog.File](), true, "CatalogFile")
}

// checkMembers checks the rules of a file whose shape has been looked at. What has a wrong shape is left out, and nothing
// is said twice of one place.
func (*catalogFile) checkMembers(c *checker, m map[string]any) {
	pruned, _ := prune(c, "", m).(map[string]any)
	b, err := json.Marshal(pruned)
	if err != nil {
		return // decoded JSON: it cannot happen
	}
	var f catalog.File
	if json.Unmarshal(b, &f) != nil {
		return // the shape says what is wrong
	}
	var rules errs.Checks
	f.Check(&rules)
	c.checks.MergeNew(&rules)
}

// prune takes out what has a wrong shape.
func prune(c *checker, path string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			at := name
			if path != "" {
				at = path + "." + name
			}
			if !c.checks.At(at) {
				out[name] = prune(c, at, e)
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for i, e := range v {
			at := path + "[" + strconv.Itoa(i) + "]"
			if c.checks.At(at) {
				out = append(out, nil) // keeps the places of the others
			} else {
				out = append(out, prune(c, at, e))
			}
		}
		return out
	}
	return v
}

type fileInput struct {
	Body catalogFile
}

func (h CatalogFiles) plan(ctx context.Context, env tenant.ID, in *fileInput) (catalog.Outcome, error) {
	return h.Files.Plan(ctx, env, in.Body.file)
}

type applyInput struct {
	Overwrite bool `query:"overwrite" doc:"Apply the file though others changed the catalog meanwhile."`
	Body      catalogFile
}

func (h CatalogFiles) apply(ctx context.Context, env tenant.ID, in *applyInput) (catalog.Outcome, error) {
	return h.Files.Apply(ctx, env, in.Body.file, in.Overwrite)
}

type outcomeBody struct {
	Changes     []catalog.Step       `json:"changes" doc:"In the order in which they are made."`
	Warnings    []catalog.Warning    `json:"warnings"`
	Drift       []catalog.StepEntity `json:"drift" doc:"What others changed and the file would undo."`
	Fingerprint string               `json:"fingerprint" doc:"Of the catalog: before the changes when planning, after them when applying."`
}

func outcomeOf(o catalog.Outcome) outcomeBody {
	steps := o.Steps
	if steps == nil {
		steps = []catalog.Step{}
	}
	return outcomeBody{steps, o.Warnings, o.Drift, o.Fingerprint}
}

// CatalogSchema is the JSON Schema of catalog files: api/catalog.schema.json.
func CatalogSchema() []byte { return catalogSchema }

var catalogSchema = func() []byte {
	r := huma.NewMapRegistry("#/$defs/", schemaName)
	r.RegisterTypeAlias(reflect.TypeFor[money.Decimal](), reflect.TypeFor[decimal]())
	root := r.Schema(reflect.TypeFor[catalog.File](), true, "CatalogFile")
	defs := map[string]any{}
	for name, s := range r.Map() {
		tidy(s)
		s.AdditionalProperties = strictly(s)
		defs[name] = s
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	err := enc.Encode(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A catalog of Purser", "$ref": root.Ref, "$defs": defs,
	})
	if err != nil {
		panic("rest: catalog schema: " + err.Error())
	}
	return b.Bytes()
}()

// strictly refuses unknown members of objects that have known ones.
func strictly(s *huma.Schema) any {
	if s.Type == huma.TypeObject && len(s.Properties) > 0 {
		return false
	}
	return s.AdditionalProperties
}

package rest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/purserhq/purser/internal/api/problem"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
)

func init() {
	// A list is never null on our wire; Opt says so where it can be.
	huma.DefaultArrayNullable = false
}

// describe is the frame of the OpenAPI document.
func describe(version string) huma.Config {
	cfg := huma.Config{OpenAPI: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Purser", Version: cmp.Or(version, "dev"), License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"apiKey": {Type: "apiKey", In: "header", Name: "X-API-KEY", Description: "A key of one environment: server-… or client-…."},
			},
		},
		Security: []map[string][]string{{"apiKey": {}}},
	}}
	cfg.AllowAdditionalPropertiesByDefault = true
	schemas := cfg.Components.Schemas
	schemas.RegisterTypeAlias(reflect.TypeFor[money.Decimal](), reflect.TypeFor[decimal]())
	schemas.RegisterTypeAlias(reflect.TypeFor[meter.Amount](), reflect.TypeFor[decimal]())
	schemas.RegisterTypeAlias(reflect.TypeFor[money.NullDecimal](), reflect.TypeFor[Opt[decimal]]())
	return cfg
}

// decimal describes money.Decimal: a JSON number, read from its text.
type decimal struct{}

// Schema is a number.
func (decimal) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "decimal"}
}

// inputs are types of the core that have a twin on the wire with every member there.
var inputs = map[reflect.Type]string{
	reflect.TypeFor[money.Money](): "MoneyIn", reflect.TypeFor[catalog.Tier](): "TierIn",
	reflect.TypeFor[catalog.Transformation](): "TransformationIn",
}

// schemaName is huma's, without the word that our types carry: customerBody is Customer.
func schemaName(t reflect.Type, hint string) string {
	base := t
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if name, ok := inputs[base]; ok {
		return name
	}
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body")
}

// newRoute describes an operation and makes it ready for serving. Mistakes in the table panic at start.
func newRoute(api *API, method string, o op, in, out reflect.Type, paged bool) *route {
	o.Status = cmp.Or(o.Status, http.StatusOK)
	if o.ID == "" || o.Tag == "" || o.Summary == "" || (o.Permission == 0) != o.Public {
		panic("rest: " + method + " " + o.Path + ": an operation needs an id, a tag, a summary and a permission (or Public)")
	}
	doc := &huma.Operation{
		Method: method, Path: o.Path, OperationID: o.ID, Tags: []string{o.Tag}, Summary: o.Summary, Description: o.Description,
		Responses: map[string]*huma.Response{},
	}
	if o.Public {
		doc.Security = []map[string][]string{{}}
	} else {
		doc.Extensions = map[string]any{"x-permission": o.Permission.String()}
	}
	rt := &route{op: o, api: api, method: method, pattern: method + " " + o.Path}
	rt.in = newInput(api.shapes, doc, in, o, cmp.Or(o.BodyLimit, api.cfg.BodyLimit))
	if method == http.MethodPost {
		one, most := 1, maxIdempotencyKey
		doc.Parameters = append(doc.Parameters, &huma.Param{
			Name: idempotencyHeader, In: "header", Description: "The same key and content get the same answer for 24 hours.",
			Schema: &huma.Schema{Type: huma.TypeString, MinLength: &one, MaxLength: &most},
		})
	}
	schemas := api.shapes.registry
	body := schemas.Schema(out, true, o.ID+"Response")
	if !o.Bare {
		body = &huma.Schema{Type: huma.TypeObject, Required: []string{"data"}, Properties: map[string]*huma.Schema{"data": body}}
		if paged {
			body.Required = append(body.Required, "pagination")
			body.Properties["pagination"] = schemas.Schema(reflect.TypeFor[pagination](), true, "")
		}
	}
	for _, status := range append([]int{o.Status}, o.Also...) {
		doc.Responses[strconv.Itoa(status)] = response(http.StatusText(status), body)
	}
	doc.Responses["default"] = response("Error", schemas.Schema(reflect.TypeFor[problem.ErrorBody](), true, ""))
	api.huma.OpenAPI().AddOperation(doc)
	return rt
}

func response(description string, s *huma.Schema) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: s}}}
}

// spec is the finished document; it is made once, after the last route.
type spec struct {
	once       sync.Once
	json, yaml []byte
}

// Spec returns the OpenAPI 3.1 document as YAML: api/openapi.yaml.
func (api *API) Spec() []byte {
	api.finishSpec()
	return api.spec.yaml
}

func (api *API) finishSpec() {
	api.spec.once.Do(func() {
		doc := api.huma.OpenAPI()
		for _, s := range doc.Components.Schemas.Map() {
			tidy(s)
		}
		for _, item := range doc.Paths {
			for _, o := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
				if o == nil {
					continue
				}
				for _, p := range o.Parameters {
					tidy(p.Schema)
				}
			}
		}
		var err error
		if api.spec.json, err = json.Marshal(doc); err == nil {
			api.spec.yaml, err = doc.YAML()
		}
		if err != nil {
			panic("rest: OpenAPI document: " + err.Error())
		}
	})
}

// tidy drops what huma says too often and lets null into the enums of what can be null.
func tidy(s *huma.Schema) {
	if s == nil {
		return
	}
	switch extra := s.AdditionalProperties.(type) {
	case bool:
		if extra {
			s.AdditionalProperties = nil
		}
	case *huma.Schema:
		tidy(extra)
	}
	if s.Nullable && len(s.Enum) > 0 && s.Enum[len(s.Enum)-1] != nil {
		s.Enum = append(s.Enum, nil)
	}
	tidy(s.Items)
	for _, p := range s.Properties {
		tidy(p)
	}
	for _, sub := range s.AnyOf {
		tidy(sub)
	}
}

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
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/purserhq/purser/internal/api/problem"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/meter"
)

func init() {
	// A list is never null on our wire; Opt says so where it can be.
	huma.DefaultArrayNullable = false
}

// frame is the OpenAPI document without operations.
func frame(version string) *huma.OpenAPI {
	cfg := huma.Config{OpenAPI: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Purser", Version: cmp.Or(version, "dev"), License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			Headers: map[string]*huma.Header{
				"Position": {
					Description: "A position of the change feed that contains what the request did and saw. Send it as X-Purser-Min-Position to read it on any node.",
					Schema:      &huma.Schema{Type: huma.TypeString},
				},
			},
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
	return humago.New(http.NewServeMux(), cfg).OpenAPI()
}

// decimal describes money.Decimal: a JSON number, read from its text.
type decimal struct{}

// Schema is a number.
func (decimal) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "decimal"}
}

// twins are types of the core that have a twin on the wire with every member there.
var twins = map[reflect.Type]string{
	reflect.TypeFor[money.Money](): "MoneyIn", reflect.TypeFor[catalog.Tier](): "TierIn",
	reflect.TypeFor[catalog.Transformation](): "TransformationIn",
}

// schemaName is huma's, without the word that our types carry: customerBody is Customer.
func schemaName(t reflect.Type, hint string) string {
	base := t
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if name, ok := twins[base]; ok {
		return name
	}
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body")
}

// newRoute makes an operation ready for serving and leaves a row for the document. Mistakes in the table panic at start.
func newRoute(api *API, method string, o op, in, out reflect.Type, paged bool) *route {
	o.Status = cmp.Or(o.Status, http.StatusOK)
	if o.ID == "" || o.Tag == "" || o.Summary == "" || (o.Permission == 0) != o.Public {
		panic("rest: " + method + " " + o.Path + ": an operation needs an id, a tag, a summary and a permission (or Public)")
	}
	api.rows = append(api.rows, row{o, method, in, out, paged})
	return &route{
		op: o, api: api, method: method, pattern: method + " " + o.Path,
		in: inputOf(in, o, cmp.Or(o.BodyLimit, api.cfg.BodyLimit)),
	}
}

// row is what the document says of an operation.
type row struct {
	op
	method  string
	in, out reflect.Type
	paged   bool
}

// document describes all operations. It takes longer than everything else at a start, and few servers are ever asked.
func (api *API) document() *huma.OpenAPI {
	d := frame(api.cfg.Version)
	c := newShapes(d)
	for _, r := range api.rows {
		d.AddOperation(r.describe(c))
	}
	return d
}

func (r row) describe(c *shapes) *huma.Operation {
	doc := &huma.Operation{
		Method: r.method, Path: r.Path, OperationID: r.ID, Tags: []string{r.Tag}, Summary: r.Summary, Description: r.Description,
		Responses: map[string]*huma.Response{},
	}
	if r.Public {
		doc.Security = []map[string][]string{{}}
	} else {
		doc.Extensions = map[string]any{"x-permission": r.Permission.String()}
	}
	newInput(c, doc, r.in, r.op, 0)
	if r.method == http.MethodPost {
		one, most := 1, maxIdempotencyKey
		doc.Parameters = append(doc.Parameters, &huma.Param{
			Name: idempotencyHeader, In: "header", Description: "The same key and content get the same answer for 24 hours.",
			Schema: &huma.Schema{Type: huma.TypeString, MinLength: &one, MaxLength: &most},
		})
	}
	body := c.registry.Schema(r.out, true, r.ID+"Response")
	if !r.Bare {
		body = &huma.Schema{Type: huma.TypeObject, Required: []string{"data"}, Properties: map[string]*huma.Schema{"data": body}}
		if r.paged {
			body.Required = append(body.Required, "pagination")
			body.Properties["pagination"] = c.registry.Schema(reflect.TypeFor[pagination](), true, "")
		}
	}
	for _, status := range append([]int{r.Status}, r.Also...) {
		a := response(http.StatusText(status), body)
		if r.Events {
			a.Content = map[string]*huma.MediaType{eventStream: {Schema: body}}
		}
		if r.method != http.MethodGet {
			a.Headers = map[string]*huma.Param{positionHeader: {Ref: "#/components/headers/Position"}}
		}
		doc.Responses[strconv.Itoa(status)] = a
	}
	doc.Responses["default"] = response("Error", c.registry.Schema(reflect.TypeFor[problem.ErrorBody](), true, ""))
	return doc
}

func response(description string, s *huma.Schema) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: s}}}
}

// spec is the finished document; it is made once, when it is asked for.
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
		doc := api.document()
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

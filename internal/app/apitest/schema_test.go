package apitest

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// document is the OpenAPI document, as far as answers are checked against it.
type document struct {
	Paths      map[string]map[string]*operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []struct{ Name, In string }
	RequestBody json.RawMessage
	Responses   map[string]struct {
		Content map[string]struct{ Schema *schema }
	}
}

// schema has every keyword that the document uses; UnmarshalJSON refuses others, so that none goes unchecked.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 oneOrMore          `json:"type"`
	Format               string             `json:"format"`
	Pattern              string             `json:"pattern"`
	Enum                 []any              `json:"enum"`
	Items                *schema            `json:"items"`
	Properties           map[string]*schema `json:"properties"`
	Required             []string           `json:"required"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	AnyOf                []*schema          `json:"anyOf"`
	MinLength            *int               `json:"minLength"`
	MaxLength            *int               `json:"maxLength"`
	MinItems             *int               `json:"minItems"`
	MaxItems             *int               `json:"maxItems"`
	Minimum              *float64           `json:"minimum"`
	Maximum              *float64           `json:"maximum"`
	Description          string             `json:"description"`
	Examples             []any              `json:"examples"`
	Default              any                `json:"default"`
	ContentEncoding      string             `json:"contentEncoding"`

	extra *schema // of AdditionalProperties, when that is a schema
}

type oneOrMore []string

// UnmarshalJSON reads one type or a list.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

type rawSchema schema

// UnmarshalJSON refuses unknown keywords.
func (s *schema) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode((*rawSchema)(s)); err != nil {
		return fmt.Errorf("schema %.80s: %w", b, err)
	}
	if len(s.AdditionalProperties) > 0 && s.AdditionalProperties[0] == '{' {
		s.extra = new(schema)
		return json.Unmarshal(s.AdditionalProperties, s.extra)
	}
	return nil
}

var theDocument struct {
	sync.Once
	document
}

// readDocument reads the document of the first server: it is the same for all.
func readDocument(c caller) *document {
	c.t.Helper()
	theDocument.Do(func() {
		if err := json.Unmarshal(c.send("GET", "/api/v1/openapi.json", "").raw, &theDocument.document); err != nil {
			c.t.Fatalf("openapi.json: %v", err)
		}
	})
	return &theDocument.document
}

// find is the operation of a request; nil when the document has none.
func (d *document) find(method, path string) *operation {
	parts := strings.Split(path, "/")
	for template, item := range d.Paths {
		pattern := strings.Split(template, "/")
		fits := len(pattern) == len(parts)
		for i := 0; fits && i < len(parts); i++ {
			fits = pattern[i] == parts[i] || strings.HasPrefix(pattern[i], "{") && parts[i] != ""
		}
		if op := item[strings.ToLower(method)]; fits && op != nil && (!strings.Contains(template, "{") || d.literal(method, path) == nil) {
			return op
		}
	}
	return nil
}

func (d *document) literal(method, path string) *operation {
	return d.Paths[path][strings.ToLower(method)]
}

// check says how an answer differs from what the document promises. A member that the document does not know is a
// difference too.
func (d *document) check(method, path string, status int, tree any) []string {
	op := d.find(method, path)
	if op == nil {
		if status == 404 || status == 405 || status == 403 {
			return nil
		}
		return []string{"the document has no such operation"}
	}
	response, ok := op.Responses[strconv.Itoa(status)]
	if !ok && status >= 400 {
		response, ok = op.Responses["default"]
	}
	if !ok {
		return []string{fmt.Sprintf("%s has no answer %d in the document", op.OperationID, status)}
	}
	v := validation{d: d}
	v.check("", response.Content["application/json"].Schema, tree)
	return v.issues
}

type validation struct {
	d      *document
	issues []string
}

func (v *validation) bad(path, format string, args ...any) {
	v.issues = append(v.issues, "schema: "+path+": "+fmt.Sprintf(format, args...))
}

func (v *validation) check(path string, s *schema, value any) {
	if s == nil {
		v.bad(path, "no schema")
		return
	}
	if s.Ref != "" {
		v.check(path, v.d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")], value)
		return
	}
	if len(s.AnyOf) > 0 {
		v.any(path, s.AnyOf, value)
		return
	}
	if len(s.Type) > 0 && !slices.ContainsFunc(s.Type, func(t string) bool { return isType(t, value) }) {
		v.bad(path, "%v is no %v", value, s.Type)
		return
	}
	if s.Enum != nil && !slices.Contains(s.Enum, value) {
		v.bad(path, "%v is none of %v", value, s.Enum)
	}
	switch value := value.(type) {
	case map[string]any:
		v.object(path, s, value)
	case []any:
		for i, item := range value {
			if s.Items != nil {
				v.check(fmt.Sprintf("%s[%d]", path, i), s.Items, item)
			}
		}
	case string:
		v.text(path, s, value)
	case float64:
		if s.Minimum != nil && value < *s.Minimum || s.Maximum != nil && value > *s.Maximum {
			v.bad(path, "%v is out of range", value)
		}
	}
}

func (v *validation) any(path string, list []*schema, value any) {
	var all []string
	for _, s := range list {
		try := validation{d: v.d}
		if try.check(path, s, value); try.issues == nil {
			return
		}
		all = append(all, try.issues...)
	}
	v.bad(path, "fits none: %s", strings.Join(all, "; "))
}

func (v *validation) object(path string, s *schema, value map[string]any) {
	for _, name := range s.Required {
		if _, ok := value[name]; !ok {
			v.bad(path, "%s is missing", name)
		}
	}
	for name, member := range value {
		switch at := path + "." + name; {
		case s.Properties[name] != nil:
			v.check(at, s.Properties[name], member)
		case s.extra != nil:
			v.check(at, s.extra, member)
		case len(s.Properties) > 0:
			v.bad(at, "the document does not know this member")
		}
	}
}

func (v *validation) text(path string, s *schema, value string) {
	if s.MinLength != nil && len([]rune(value)) < *s.MinLength || s.MaxLength != nil && len([]rune(value)) > *s.MaxLength {
		v.bad(path, "%q has a wrong length", value)
	}
	if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(value) {
		v.bad(path, "%q does not match %s", value, s.Pattern)
	}
	// Instants are UTC with milliseconds (contract §1.4).
	if s.Format == "date-time" {
		if t, err := time.Parse("2006-01-02T15:04:05.000Z", value); err != nil || stamp(t) != value {
			v.bad(path, "%q is no instant in UTC with milliseconds", value)
		}
	}
}

func isType(t string, value any) bool {
	switch v := value.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case float64:
		return t == "number" || t == "integer" && v == math.Trunc(v)
	case []any:
		return t == "array"
	case map[string]any:
		return t == "object"
	}
	return false
}

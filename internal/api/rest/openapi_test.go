package rest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// at walks decoded JSON.
func at(t *testing.T, v any, path ...string) any {
	t.Helper()
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok || m[p] == nil {
			t.Fatalf("nothing at %s in %v", p, v)
		}
		v = m[p]
	}
	return v
}

func TestSpec(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	w := s.do("GET", "/api/v1/openapi.json", "", "X-API-KEY", "")
	var doc any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if got := at(t, doc, "openapi"); got != "3.1.0" {
		t.Errorf("version %v", got)
	}
	if got := at(t, doc, "components", "securitySchemes", "apiKey", "name"); got != "X-API-KEY" {
		t.Errorf("key header %v", got)
	}
	create := at(t, doc, "paths", "/api/v1/widgets", "post")
	for _, status := range []string{"200", "201"} {
		got := at(t, create, "responses", status, "content", "application/json", "schema", "properties", "data", "$ref")
		if got != "#/components/schemas/Widget" {
			t.Errorf("%s: %v", status, got)
		}
	}
	got := at(t, create, "responses", "default", "content", "application/json", "schema", "$ref")
	if got != "#/components/schemas/Error" {
		t.Errorf("errors: %v", got)
	}
	at(t, doc, "paths", "/api/v1/widgets/{id}/check", "get", "responses", "200")
	at(t, doc, "paths", "/livez", "get")
	list := at(t, doc, "paths", "/api/v1/widgets", "get")
	at(t, list, "responses", "200", "content", "application/json", "schema", "properties", "pagination")
	names := []string{}
	for _, p := range at(t, list, "parameters").([]any) {
		names = append(names, at(t, p, "name").(string))
	}
	if d := cmp.Diff([]string{"limit", "after", "before", "status", "createdAt", "since", "name", "includeArchived"}, names); d != "" {
		t.Errorf("parameters (-want +got):\n%s", d)
	}
	widget := at(t, doc, "components", "schemas", "Widget", "properties")
	want := map[string]any{
		"id":     map[string]any{"type": "string"},
		"part":   map[string]any{"anyOf": []any{map[string]any{"$ref": "#/components/schemas/Part"}, map[string]any{"type": "null"}}},
		"mode":   map[string]any{"type": []any{"string", "null"}, "enum": []any{"FAST", "SLOW", nil}},
		"at":     map[string]any{"type": "string", "format": "date-time"},
		"price":  map[string]any{"type": "number", "format": "decimal"},
		"credit": map[string]any{"type": []any{"number", "null"}, "format": "decimal"},
	}
	if d := cmp.Diff(want, widget); d != "" {
		t.Errorf("Widget (-want +got):\n%s", d)
	}
	if got := at(t, doc, "components", "schemas", "CreateWidget", "required"); !cmp.Equal(got, []any{"id"}) {
		t.Errorf("required: %v", got)
	}
	yaml := string(s.api.Spec())
	if !strings.Contains(yaml, "\nopenapi: 3.1.0\n") && !strings.HasPrefix(yaml, "openapi: 3.1.0\n") && !strings.Contains(yaml, "openapi: 3.1.0") {
		t.Errorf("no YAML: %.200s", yaml)
	}
	if strings.Contains(yaml, "$schema") || strings.Contains(yaml, "problem+json") || strings.Contains(yaml, "422") {
		t.Error("the document speaks of $schema, problem+json or 422")
	}
	if yaml != string(newSample(t).api.Spec()) {
		t.Error("two runs give two documents")
	}
}

func TestTableMistakesPanic(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]op{
		"no permission": {ID: "x", Path: "/x", Tag: "X", Summary: "x"},
		"no tag":        {ID: "x", Path: "/x", Summary: "x", Public: true},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			get(newSample(t).api, o, record[struct{}](nil), data(bodyOf))
		}()
	}
}

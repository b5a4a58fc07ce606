package rest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// later is a member of the original's wire that means nothing here yet. It takes anything; what is more than null or an
// empty list is refused by the core, which gets the path from unsupported. The field's tag needs omitzero.
type later struct{ sent bool }

// UnmarshalJSON notes that something was sent.
func (l *later) UnmarshalJSON(b []byte) error {
	l.sent = !slices.Contains([]string{"null", "[]"}, string(b))
	return nil
}

// Schema is anything.
func (later) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "Not supported yet: anything but null is refused."}
}

var laterType = reflect.TypeFor[later]()

// unsupported returns the paths of all members of a body that were sent and mean nothing yet.
func unsupported(body any) []string {
	var paths []string
	findLater(reflect.ValueOf(body), "", &paths)
	return paths
}

func findLater(v reflect.Value, path string, paths *[]string) {
	switch {
	case v.Type() == laterType:
		if v.Field(0).Bool() {
			*paths = append(*paths, path)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			findLater(v.Index(i), fmt.Sprintf("%s[%d]", path, i), paths)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			findLater(v.Field(i), memberPath(path, v.Type().Field(i)), paths)
		}
	}
}

// memberPath adds a field's name on the wire. One without a name is a wrapper such as Opt, or embedded.
func memberPath(path string, f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" || path == "" {
		return path + name
	}
	return path + "." + name
}

package rest

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// param is one field of an input struct that comes from the path, the query or a header.
type param struct {
	name     string
	in       string // path, query or header
	index    []int
	shape    *shape
	required bool
	def      string
	list     bool // comma-joined or repeated (rest-api §1.7)
	ranged   bool // a DateRange: name[gte]=…
}

var dateRange = reflect.TypeFor[DateRange]()

// findParams reads the tags path, query and header of t and what it embeds, and describes them in doc.
func findParams(c *shapes, doc *huma.Operation, t reflect.Type, index []int) []param {
	var found []param
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			found = append(found, findParams(c, doc, f.Type, at)...)
			continue
		}
		for _, in := range []string{"path", "query", "header"} {
			name := f.Tag.Get(in)
			if name == "" {
				continue
			}
			s := huma.SchemaFromField(c.registry, f, "")
			p := param{
				name: name, in: in, index: at, shape: c.of(s), def: f.Tag.Get("default"),
				required: in == "path" || f.Tag.Get("required") == "true",
				list:     s.Type == huma.TypeArray, ranged: f.Type == dateRange,
			}
			if !p.supported(f.Type) {
				panic(fmt.Sprintf("rest: %s: a %s parameter cannot be a %s", name, in, f.Type))
			}
			found = append(found, p)
			doc.Parameters = append(doc.Parameters, p.document(s))
		}
	}
	return found
}

func (p param) supported(t reflect.Type) bool {
	if p.ranged {
		return p.in == "query"
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64:
		return true
	case reflect.Slice:
		return t.Elem().Kind() == reflect.String
	}
	return false
}

func (p param) document(s *huma.Schema) *huma.Param {
	d := &huma.Param{Name: p.name, In: p.in, Required: p.required, Schema: s, Description: s.Description}
	no, yes := false, true
	switch {
	case p.ranged:
		d.Style, d.Explode = "deepObject", &yes
	case p.list:
		d.Explode = &no
	}
	return d
}

// set reads the parameter from what was sent.
func (p *param) set(c *checker, in reflect.Value, r *http.Request, query url.Values) {
	f := in.FieldByIndex(p.index)
	if p.ranged {
		p.setRange(c, f.Addr().Interface().(*DateRange), query)
		return
	}
	var sent []string
	switch p.in {
	case "path":
		sent = []string{r.PathValue(p.name)}
	case "query":
		sent = query[p.name]
	case "header":
		sent = r.Header.Values(p.name)
	}
	if len(sent) == 0 && p.def != "" {
		sent = []string{p.def}
	}
	back := c.enter(p.name)
	defer c.leave(back)
	switch {
	case len(sent) == 0 && p.required:
		c.bad("is required")
	case len(sent) == 0:
	case p.list:
		p.setList(c, f, sent)
	case len(sent) > 1:
		c.bad("is given more than once")
	default:
		p.setOne(c, f, sent[0])
	}
}

func (p *param) setOne(c *checker, f reflect.Value, s string) {
	before := c.n
	if p.shape.value(c, p.tree(s), false); c.n > before {
		return
	}
	if u, ok := f.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(s)); err != nil {
			c.bad("is malformed")
		}
		return
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(s)
	case reflect.Bool:
		f.SetBool(s == "true")
	default:
		n, err := strconv.ParseInt(s, 10, f.Type().Bits())
		if err != nil {
			c.bad("must be a whole number")
		}
		f.SetInt(n)
	}
}

// tree gives s the form that it would have in JSON, for its shape.
func (p *param) tree(s string) any {
	switch p.shape.kind {
	case huma.TypeBoolean:
		if s == "true" || s == "false" {
			return s == "true"
		}
	case huma.TypeInteger, huma.TypeNumber:
		return json.Number(s)
	}
	return s
}

func (p *param) setList(c *checker, f reflect.Value, sent []string) {
	var tree []any
	list := reflect.MakeSlice(f.Type(), 0, len(sent))
	for _, s := range sent {
		for e := range strings.SplitSeq(s, ",") {
			if e == "" {
				continue
			}
			tree = append(tree, e)
			list = reflect.Append(list, reflect.ValueOf(e).Convert(f.Type().Elem()))
		}
	}
	p.shape.value(c, tree, false)
	f.Set(list)
}

func (p *param) setRange(c *checker, d *DateRange, query url.Values) {
	for _, name := range rangeMembers {
		key := p.name + "[" + name + "]"
		sent := query[key]
		switch {
		case len(sent) == 0:
			continue
		case len(sent) > 1:
			c.at(key, "is given more than once")
			continue
		}
		t, err := parseTime(sent[0])
		if err != nil {
			c.at(key, timeIssue)
			continue
		}
		*d.member(name) = t
	}
}

// knows reports whether p takes the query parameter.
func (p *param) knows(key string) bool {
	if p.in != "query" {
		return false
	}
	if !p.ranged {
		return p.name == key
	}
	member, ok := strings.CutPrefix(key, p.name+"[")
	return ok && strings.HasSuffix(member, "]") && slices.Contains(rangeMembers, member[:len(member)-1])
}

package rest

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
)

const typeNull = "null"

// shape is a schema made ready for checking decoded JSON.
type shape struct {
	kind     string // "" takes anything
	nullable bool
	strict   bool // unknown members are refused, here and further in

	props    map[string]*shape
	required []string
	values   *shape // of members that props does not name; nil when there are none
	metadata bool   // the limits of metadata hold

	items              *shape
	minItems, maxItems *int

	minLength, maxLength *int
	pattern              *regexp.Regexp
	enum                 []string
	format               func(string) string // the issue, or ""

	min, max *float64
}

// formats are the checks behind a schema's format. Each returns what is wrong, or "".
var formats = map[string]func(string) string{
	"date-time": func(s string) string {
		if _, err := parseTime(s); err != nil {
			return err.Error()
		}
		return ""
	},
	"uuid": func(s string) string {
		if !id.IsUUID(s) {
			return "must be a UUID"
		}
		return ""
	},
	"ref":          id.RefIssue,
	"customer-ref": id.CustomerRefIssue,
	"email":        customer.EmailIssue,
	"timezone":     clock.ZoneIssue,
	"currency":     currencyIssue,
	"position":     positionIssue,
	"int32":        func(s string) string { return whole(s, 32) },
	"int64":        func(s string) string { return whole(s, 64) },
	"usage":        usageIssue,
	"decimal": func(s string) string {
		if _, err := money.ParseDecimal(s); err != nil {
			return err.Error()
		}
		return ""
	},
}

func currencyIssue(s string) string {
	if !money.Currency(s).Valid() {
		return "is not a supported lower-case ISO 4217 code"
	}
	return ""
}

func positionIssue(s string) string {
	if _, err := event.ParseCursor("", s); err != nil {
		return "is not a position of this feed"
	}
	return ""
}

func whole(s string, bits int) string {
	if _, err := strconv.ParseInt(s, 10, bits); err != nil {
		return "must be a whole number"
	}
	return ""
}

// shapes compiles schemas; references are compiled once, so that types may contain themselves.
type shapes struct {
	registry huma.Registry
	seen     map[string]*shape
}

func newShapes(d *huma.OpenAPI) *shapes {
	return &shapes{d.Components.Schemas, map[string]*shape{}}
}

func (c *shapes) of(s *huma.Schema) *shape {
	if s.Ref != "" {
		if sh, ok := c.seen[s.Ref]; ok {
			return sh
		}
		sh := &shape{}
		c.seen[s.Ref] = sh
		c.fill(sh, c.registry.SchemaFromRef(s.Ref))
		return sh
	}
	sh := &shape{}
	c.fill(sh, s)
	return sh
}

func (c *shapes) fill(sh *shape, s *huma.Schema) {
	if len(s.AnyOf) == 2 && s.AnyOf[1].Type == typeNull {
		*sh = *c.of(s.AnyOf[0])
		sh.nullable = true
		return
	}
	if s.OneOf != nil || s.AnyOf != nil || s.AllOf != nil || s.Not != nil {
		panic("rest: a request schema uses a combination that shape.go does not check")
	}
	*sh = shape{
		kind: s.Type, nullable: s.Nullable, strict: s.AdditionalProperties == false, required: s.Required,
		minItems: s.MinItems, maxItems: s.MaxItems, minLength: s.MinLength, maxLength: s.MaxLength,
		format: formats[s.Format], min: s.Minimum, max: s.Maximum, metadata: s.Format == "metadata",
	}
	if s.Pattern != "" {
		sh.pattern = regexp.MustCompile(s.Pattern)
	}
	for _, v := range s.Enum {
		sh.enum = append(sh.enum, fmt.Sprint(v))
	}
	if s.Items != nil {
		sh.items = c.of(s.Items)
	}
	if v, ok := s.AdditionalProperties.(*huma.Schema); ok {
		sh.values = c.of(v)
	}
	if s.Type == huma.TypeObject {
		sh.props = map[string]*shape{}
		for name, p := range s.Properties {
			sh.props[name] = c.of(p)
		}
	}
}

// value checks v, which lies at c's path, and returns what is wrong with it directly; what is wrong further in goes to
// c. Unknown members are taken out of v.
func (sh *shape) value(c *checker, v any, strict bool) {
	if v == nil {
		if !sh.nullable && sh.kind != "" {
			c.bad("must not be null")
		}
		return
	}
	switch sh.kind {
	case huma.TypeString:
		s, ok := v.(string)
		if !ok {
			c.bad("must be a string")
			return
		}
		sh.text(c, s)
	case huma.TypeNumber, huma.TypeInteger:
		n, ok := v.(json.Number)
		if !ok {
			c.bad("must be a number")
			return
		}
		sh.number(c, n.String())
	case huma.TypeBoolean:
		if _, ok := v.(bool); !ok {
			c.bad("must be true or false")
		}
	case huma.TypeArray:
		list, ok := v.([]any)
		if !ok {
			c.bad("must be a list")
			return
		}
		sh.list(c, list, strict)
	case huma.TypeObject:
		m, ok := v.(map[string]any)
		if !ok {
			c.bad("must be an object")
			return
		}
		sh.object(c, m, strict || sh.strict)
	default:
		c.anything(v)
	}
}

func (sh *shape) text(c *checker, s string) {
	if issue := badText(s); issue != "" {
		c.bad(issue)
		return
	}
	n := utf8.RuneCountInString(s)
	switch {
	case sh.enum != nil && !slices.Contains(sh.enum, s):
		c.bad("must be one of " + strings.Join(sh.enum, ", "))
	case sh.minLength != nil && n < *sh.minLength && n == 0:
		c.bad("must not be empty")
	case sh.minLength != nil && n < *sh.minLength:
		c.bad(fmt.Sprintf("must not be shorter than %d characters", *sh.minLength))
	case sh.maxLength != nil && n > *sh.maxLength:
		c.bad(fmt.Sprintf("must not be longer than %d characters", *sh.maxLength))
	case sh.pattern != nil && !sh.pattern.MatchString(s):
		c.bad("must match " + sh.pattern.String())
	case sh.format != nil:
		if issue := sh.format(s); issue != "" {
			c.bad(issue)
		}
	}
}

// badText says why s cannot be stored, or "": PostgreSQL takes neither NUL nor broken UTF-8.
func badText(s string) string {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return "must not contain the character U+0000"
	case !utf8.ValidString(s):
		return "must be UTF-8"
	}
	return ""
}

func (sh *shape) number(c *checker, s string) {
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(f) || math.IsInf(f, 0):
		if sh.kind == huma.TypeInteger {
			c.bad("must be a whole number")
		} else {
			c.bad("must be a number of ordinary size")
		}
		return
	case sh.enum != nil && !slices.Contains(sh.enum, s):
		c.bad("must be one of " + strings.Join(sh.enum, ", "))
		return
	case sh.format != nil:
		if issue := sh.format(s); issue != "" {
			c.bad(issue)
			return
		}
	case sh.kind == huma.TypeInteger && whole(s, 64) != "":
		c.bad("must be a whole number")
		return
	}
	switch {
	case sh.min != nil && sh.max != nil && (f < *sh.min || f > *sh.max):
		c.bad(fmt.Sprintf("must be from %v to %v", *sh.min, *sh.max))
	case sh.min != nil && f < *sh.min:
		c.bad(fmt.Sprintf("must be at least %v", *sh.min))
	case sh.max != nil && f > *sh.max:
		c.bad(fmt.Sprintf("must be at most %v", *sh.max))
	}
}

func (sh *shape) list(c *checker, list []any, strict bool) {
	switch n := len(list); {
	case sh.minItems != nil && n < *sh.minItems:
		c.bad(fmt.Sprintf("must have at least %d items", *sh.minItems))
	case sh.maxItems != nil && n > *sh.maxItems:
		c.bad(fmt.Sprintf("must have at most %d items", *sh.maxItems))
		return
	}
	for i, v := range list {
		back := c.item(i)
		sh.items.value(c, v, strict)
		c.leave(back)
	}
}

func (sh *shape) object(c *checker, m map[string]any, strict bool) {
	if sh.metadata {
		metadata.Check(&c.checks, string(c.path), texts(m))
	}
	for name, v := range m {
		back := c.enter(name)
		switch p := sh.props[name]; {
		case p != nil:
			p.value(c, v, strict)
		case badText(name) != "":
			c.bad(badText(name))
		case sh.values != nil:
			sh.values.value(c, v, strict)
		case strict:
			c.bad("is not known here")
		default:
			c.ignore()
			delete(m, name)
		}
		c.leave(back)
	}
	for _, name := range sh.required {
		if _, ok := m[name]; !ok {
			back := c.enter(name)
			c.bad("is required")
			c.leave(back)
		}
	}
}

// texts are the members that are texts.
func texts(m map[string]any) map[string]string {
	out := make(map[string]string, len(m))
	for name, v := range m {
		if s, ok := v.(string); ok {
			out[name] = s
		}
	}
	return out
}

package meter

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/purserhq/purser/internal/core/catalog"
)

// Meter is a catalog.Meter made ready for many events. It is immutable, and safe for concurrent use.
type Meter struct {
	function string // of the catalog's aggregation
	field    field  // what is aggregated; of no meaning for COUNT
	filters  [][]condition
}

// Compile makes a meter of its definition, which the catalog has checked. A condition with an operation that nobody knows
// holds for no event, and an aggregation by such a function stays empty.
func Compile(m catalog.Meter) *Meter {
	c := &Meter{function: m.Aggregation.Function, field: fieldOf(m.Aggregation.Field)}
	for _, f := range m.Filters {
		conditions := make([]condition, 0, len(f.Conditions))
		for _, d := range f.Conditions {
			conditions = append(conditions, compileCondition(d))
		}
		c.filters = append(c.filters, conditions)
	}
	return c
}

// Matches reports whether the meter counts an event: all conditions of any of its filters hold, or it has no filters
// (domain-entitlements-usage §5.4). Two values are compared as numbers when both are numbers, else as texts, byte by
// byte; CONTAINS, STARTS_WITH and ENDS_WITH look at texts only, those of numbers as they were sent. What an event does not
// have satisfies IS_NULL and NOT_EQUALS alone.
func (m *Meter) Matches(e *Event) bool {
	if len(m.filters) == 0 {
		return true
	}
	for _, f := range m.filters {
		if holds(f, e) {
			return true
		}
	}
	return false
}

func holds(conditions []condition, e *Event) bool {
	for i := range conditions {
		if !conditions[i].holds(e) {
			return false
		}
	}
	return true
}

// Names are the names of the events that the meter can match, sorted; all says that events of any other name can match
// too, and then there are none. They come from EQUALS and IN on the event's name: where every filter has one, nobody else's
// events need to be looked at.
func (m *Meter) Names() (names []string, all bool) {
	if len(m.filters) == 0 {
		return nil, true
	}
	for _, f := range m.filters {
		of, anyName := namesOf(f)
		if anyName {
			return nil, true
		}
		names = append(names, of...)
	}
	slices.Sort(names)
	return slices.Compact(names), false
}

// namesOf is Names for one filter.
func namesOf(conditions []condition) (names []string, all bool) {
	all = true
	for i := range conditions {
		c := &conditions[i]
		// A name that is a number equals others: 1 is 1.0.
		if c.field.kind != ofEventName || c.operation != opEquals && c.operation != opIn || len(c.numbers) > 0 {
			continue
		}
		of := slices.Collect(maps.Keys(c.texts))
		if !all {
			of = slices.DeleteFunc(of, func(name string) bool { return !slices.Contains(names, name) })
		}
		names, all = of, false
	}
	return names, all
}

// field is where a value of an event is found (domain-entitlements-usage §5.4).
type field struct {
	kind fieldKind
	key  string // of a dimension
}

type fieldKind uint8

const (
	ofDimension fieldKind = iota
	ofEventName
	ofCustomerID
)

// fieldOf reads the name of a field. The event's own come before dimensions that are called like them.
func fieldOf(name string) field {
	switch name {
	case "eventName", "event_name":
		return field{kind: ofEventName}
	case "customerId", "customer_id":
		return field{kind: ofCustomerID}
	}
	return field{kind: ofDimension, key: name}
}

// of is the value of an event's field, if it has it.
func (f field) of(e *Event) (d Dimension, has bool) {
	switch f.kind {
	case ofEventName:
		return String(e.Name), true
	case ofCustomerID:
		return String(e.Customer), true
	}
	d, has = e.Dimensions[f.key]
	return d, has
}

type operation uint8

const (
	opUnknown operation = iota
	opEquals
	opNotEquals
	opGreater
	opGreaterOrEqual
	opLess
	opLessOrEqual
	opIsNull
	opIsNotNull
	opContains
	opStartsWith
	opEndsWith
	opIn
)

var operations = map[string]operation{
	"EQUALS": opEquals, "NOT_EQUALS": opNotEquals, "GREATER_THAN": opGreater, "GREATER_THAN_OR_EQUAL": opGreaterOrEqual,
	"LESS_THAN": opLess, "LESS_THAN_OR_EQUAL": opLessOrEqual, "IS_NULL": opIsNull, "IS_NOT_NULL": opIsNotNull,
	"CONTAINS": opContains, "STARTS_WITH": opStartsWith, "ENDS_WITH": opEndsWith, "IN": opIn,
}

// condition is a comparison with values that were read once.
type condition struct {
	field     field
	operation operation
	value     string              // "" for IN
	texts     map[string]struct{} // all values: one, or those of IN
	numbers   []number            // those of them that are numbers
}

func compileCondition(d catalog.Condition) condition {
	c := condition{field: fieldOf(d.Field), operation: operations[d.Operation], value: d.Value}
	values := d.Values
	if c.operation != opIn {
		values = []string{d.Value}
	}
	c.texts = make(map[string]struct{}, len(values))
	for _, v := range values {
		c.texts[v] = struct{}{}
		if n, ok := parseNumber(v); ok {
			c.numbers = append(c.numbers, n)
		}
	}
	return c
}

func (c *condition) holds(e *Event) bool {
	v, has := c.field.of(e)
	if !has {
		return c.operation == opIsNull || c.operation == opNotEquals
	}
	switch c.operation {
	case opEquals, opIn:
		return c.equals(v.text)
	case opNotEquals:
		return !c.equals(v.text)
	case opGreater:
		return c.compare(v.text) > 0
	case opGreaterOrEqual:
		return c.compare(v.text) >= 0
	case opLess:
		return c.compare(v.text) < 0
	case opLessOrEqual:
		return c.compare(v.text) <= 0
	case opIsNotNull:
		return true
	case opContains:
		return strings.Contains(v.text, c.value)
	case opStartsWith:
		return strings.HasPrefix(v.text, c.value)
	case opEndsWith:
		return strings.HasSuffix(v.text, c.value)
	}
	return false
}

// equals reports whether a text is one of the condition's values. Equal texts are equal numbers, if they are numbers.
func (c *condition) equals(text string) bool {
	if c.operation != opIn {
		if text == c.value {
			return true
		}
	} else if _, ok := c.texts[text]; ok {
		return true
	}
	if len(c.numbers) == 0 {
		return false
	}
	n, ok := parseNumber(text)
	return ok && slices.ContainsFunc(c.numbers, func(m number) bool { return n.compare(m) == 0 })
}

// compare returns −1, 0 or 1 as a text is less than, equal to or greater than the condition's value.
func (c *condition) compare(text string) int {
	if len(c.numbers) > 0 {
		if n, ok := parseNumber(text); ok {
			return n.compare(c.numbers[0])
		}
	}
	return strings.Compare(text, c.value)
}

// Set is the meters of many features, found by the names of the events that they can match. It is immutable, and safe
// for concurrent use.
type Set struct {
	named  map[string][]setMember
	others []setMember // those that can match events of any name
}

type setMember struct {
	feature string
	meter   *Meter
}

// NewSet compiles meters by the ids of their features.
func NewSet(meters map[string]catalog.Meter) *Set {
	s := &Set{named: map[string][]setMember{}}
	for _, feature := range slices.Sorted(maps.Keys(meters)) {
		m := setMember{feature, Compile(meters[feature])}
		names, all := m.meter.Names()
		if all {
			s.others = append(s.others, m)
		}
		for _, name := range names {
			s.named[name] = append(s.named[name], m)
		}
	}
	return s
}

// For yields the features whose meters match an event, each once, with the meter. The order is the same every time.
func (s *Set) For(e *Event) iter.Seq2[string, *Meter] {
	return func(yield func(string, *Meter) bool) {
		for _, members := range [...][]setMember{s.named[e.Name], s.others} {
			for _, m := range members {
				if m.meter.Matches(e) && !yield(m.feature, m.meter) {
					return
				}
			}
		}
	}
}

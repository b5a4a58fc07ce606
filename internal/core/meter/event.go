// Package meter turns raw events into usage: which events a meter counts, and what
// they add up to (domain-entitlements-usage §5.3, §5.4).
//
// Its main types are Event, as it was sent; Meter, a catalog.Meter made ready for many
// events, and Set, many of them; State, what a meter has counted so far.
package meter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

// Event is a raw event: something that a customer did (domain-entitlements-usage §5.3). It is kept as it was sent, and
// meters look at it later, perhaps again.
type Event struct {
	Name       string // eventName; never empty
	Customer   string // the caller's id of the customer, who may be unknown
	Resource   string // the caller's id of the resource; "" for the customer itself
	At         int64  // µs since 1970
	Dimensions Dimensions
}

// Dimensions are the details of an event by their names (domain-entitlements-usage §5.3). nil is none.
type Dimensions map[string]Dimension

// Dimension is one detail: a string, a number or a boolean. A number is kept as the text that was sent, so that 1.50
// stays 1.50. The zero value is the empty string.
type Dimension struct {
	kind kind
	text string
}

type kind uint8

const (
	isString kind = iota
	isNumber
	isBool
)

// String is a dimension that holds a string.
func String(s string) Dimension { return Dimension{isString, s} }

// Number is a dimension that holds a number.
func Number(d money.Decimal) Dimension { return Dimension{isNumber, d.String()} }

// Bool is a dimension that holds true or false.
func Bool(b bool) Dimension {
	if b {
		return Dimension{isBool, "true"}
	}
	return Dimension{isBool, "false"}
}

// Text is the string itself, the number as it was sent, or "true" or "false".
func (d Dimension) Text() string { return d.text }

// Number is the dimension's value as a number, and whether it has one. A string has one when all of it is a number in
// JSON's grammar: "5" and "-0.5" do, "05", " 5" and "NaN" do not. Numbers that money.ParseDecimal refuses, with more than
// 38 digits before or after the point, have none: they are text, however they were sent.
func (d Dimension) Number() (money.Decimal, bool) {
	v, err := money.ParseDecimal(d.text)
	return v, err == nil
}

// Equal reports whether both hold the same type and the same text. Filters compare more generously: see Meter.Matches.
func (d Dimension) Equal(e Dimension) bool { return d == e }

// MarshalJSON writes the dimension in the type in which it came; a number with its own text.
func (d Dimension) MarshalJSON() ([]byte, error) {
	if d.kind == isString {
		return json.Marshal(d.text)
	}
	return []byte(d.text), nil
}

// UnmarshalJSON reads a string, a number, true or false. Anything else, null included, is an error.
func (d *Dimension) UnmarshalJSON(b []byte) error {
	if !json.Valid(b) {
		return errors.New("meter: a dimension is not JSON")
	}
	read, issue := parseDimension(bytes.TrimSpace(b))
	if issue != "" {
		return errors.New("meter: a dimension " + issue)
	}
	*d = read
	return nil
}

// DimensionsError says which dimensions have a wrong type.
type DimensionsError struct {
	Fields []errs.Field // the path is the dimension's name; sorted by it, never empty
}

// Error names all of them.
func (e *DimensionsError) Error() string {
	var all []string
	for _, f := range e.Fields {
		all = append(all, f.Path+" "+f.Issue)
	}
	return "wrong dimension type: " + strings.Join(all, "; ")
}

// UnmarshalJSON reads a flat object. It replaces what was there; null leaves it alone, as null does everywhere in
// encoding/json. Values of a wrong type are a *DimensionsError, which names all of them.
func (d *Dimensions) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return errors.New("dimensions must be an object of strings, numbers and booleans")
	}
	read, wrong := make(Dimensions, len(raw)), &DimensionsError{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		v, issue := parseDimension(raw[key])
		if issue != "" {
			wrong.Fields = append(wrong.Fields, errs.Field{Path: key, Issue: issue})
		}
		read[key] = v
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	*d = read
	return nil
}

// parseDimension takes a JSON value that is well formed, or says why it is no dimension.
func parseDimension(b []byte) (d Dimension, issue string) {
	const must = "must be a string, a number or a boolean, not "
	switch b[0] {
	case '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return Dimension{}, must + "text that cannot be read"
		}
		return String(s), ""
	case 't':
		return Bool(true), ""
	case 'f':
		return Bool(false), ""
	case 'n':
		return Dimension{}, must + "null"
	case '{':
		return Dimension{}, must + "an object"
	case '[':
		return Dimension{}, must + "an array"
	}
	return Dimension{isNumber, string(b)}, ""
}

// number is a number ready to be compared. Nearly all fit into micro, and cost no allocation; the others are wide.
type number struct {
	micro int64 // in millionths, unless wide
	wide  bool
	value money.Decimal // if wide
}

// parseNumber reads the same numbers as Dimension.Number.
func parseNumber(s string) (number, bool) {
	if m, ok := parseMicro(s); ok {
		return number{micro: m}, true
	}
	d, err := money.ParseDecimal(s)
	return number{wide: true, value: d}, err == nil
}

const (
	microDigits = 12 // before the point
	microPlaces = 6
)

// parseMicro reads plain numbers of at most 12 digits before the point and 6 after it, in JSON's grammar.
func parseMicro(s string) (micro int64, ok bool) {
	rest, negative := strings.CutPrefix(s, "-")
	whole, places, point := strings.Cut(rest, ".")
	if len(whole) == 0 || len(whole) > microDigits || len(whole) > 1 && whole[0] == '0' {
		return 0, false
	}
	if point && len(places) == 0 || len(places) > microPlaces {
		return 0, false
	}
	for i := range len(whole) {
		micro, ok = appendDigit(micro, whole[i])
		if !ok {
			return 0, false
		}
	}
	for i := range microPlaces {
		digit := byte('0')
		if i < len(places) {
			digit = places[i]
		}
		if micro, ok = appendDigit(micro, digit); !ok {
			return 0, false
		}
	}
	if negative {
		micro = -micro
	}
	return micro, true
}

func appendDigit(n int64, c byte) (int64, bool) { return n*10 + int64(c-'0'), c >= '0' && c <= '9' }

var millionth = money.MustDecimal("0.000001")

func (n number) decimal() money.Decimal {
	if n.wide {
		return n.value
	}
	return money.FromInt(n.micro).Mul(millionth)
}

// compare returns −1, 0 or 1 as n is less than, equal to or greater than m.
func (n number) compare(m number) int {
	if !n.wide && !m.wide {
		return cmp.Compare(n.micro, m.micro)
	}
	return n.decimal().Cmp(m.decimal())
}

package meter

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

// dims reads dimensions as they are sent.
func dims(t testing.TB, text string) Dimensions {
	t.Helper()
	var d Dimensions
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("dimensions %s: %v", text, err)
	}
	return d
}

func TestDimensionsKeepTheirForm(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`,
		`{"a":1.50,"b":1E3,"c":-0,"d":1e999999999,"e":"1.50","f":true,"g":false,"h":"","i":"true"}`,
		`{"n":` + strings.Repeat("9", 1000) + `}`,
		`{"text":"\"quoted\" <&> \u0000 ünïcode"}`,
	} {
		d := dims(t, text)
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, dims(t, string(out))); diff != "" {
			t.Errorf("%s became %s (-want +got):\n%s", text, out, diff)
		}
		if !strings.Contains(text, "quoted") && string(out) != text {
			t.Errorf("%s became %s", text, out)
		}
	}
}

func TestDimensionsOfAWrongTypeAreNamed(t *testing.T) {
	t.Parallel()
	const must = "must be a string, a number or a boolean, not "
	err := json.Unmarshal([]byte(`{"tags":["a"],"ok":1,"size":{"w":1},"none":null}`), &Dimensions{})
	var wrong *DimensionsError
	if !errors.As(err, &wrong) {
		t.Fatalf("got %v, want a DimensionsError", err)
	}
	want := []errs.Field{{Path: "none", Issue: must + "null"}, {Path: "size", Issue: must + "an object"}, {Path: "tags", Issue: must + "an array"}}
	if diff := cmp.Diff(want, wrong.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	const message = "wrong dimension type: none " + must + "null; size " + must + "an object; tags " + must + "an array"
	if err.Error() != message {
		t.Errorf("got %q, want %q", err, message)
	}
}

func TestDimensionsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[]`, `"a"`, `1`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":-}`, `{"a":01}`, `{"a":+1}`, `{"a":tru}`, `{"a":"`, `{`, ``,
	} {
		d := Dimensions{"kept": String("x")}
		if err := d.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s was read as %v", text, d)
		}
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s was read as %v", text, d)
		}
		if len(d) != 1 {
			t.Errorf("%s was refused and left %v", text, d)
		}
	}
	d := Dimensions{"kept": String("x")}
	if err := json.Unmarshal([]byte(`null`), &d); err != nil || len(d) != 1 {
		t.Errorf("null: %v, %v", d, err)
	}
}

func TestOneDimension(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Dimension{
		`"x"`: String("x"), `12.5`: Number(money.MustDecimal("12.5")), `true`: Bool(true), `false`: Bool(false),
	} {
		var d Dimension
		if err := json.Unmarshal([]byte(text), &d); err != nil || d != want {
			t.Errorf("%s became %v, %v", text, d, err)
		}
	}
	for _, text := range []string{``, `null`, `{}`, `[]`, `NaN`, ` `, `nan`, `-Inf`} {
		var d Dimension
		if err := d.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%q became %v", text, d)
		}
	}
}

func TestDimensionNumber(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		`1`: "1", `"1"`: "1", `1.50`: "1.5", `"-0.5"`: "-0.5", `1e3`: "1000", `"1E3"`: "1000", `-0`: "0",
		strings.Repeat("9", 38): strings.Repeat("9", 38), `1e-38`: "0." + strings.Repeat("0", 37) + "1",
	}
	for text, want := range good {
		if v, ok := dims(t, `{"d":`+text+`}`)["d"].Number(); !ok || v.String() != want {
			t.Errorf("%s is %s, %v; want %s", text, v, ok, want)
		}
	}
	bad := []string{
		`""`, `"x"`, `true`, `"NaN"`, `"Infinity"`, `" 1"`, `"1 "`, `"+1"`, `"007"`, `"0x10"`, `"1_000"`, `"1,5"`, `"1/3"`,
		`1e999999999`, `1e-999999999`, `0e999999999`, `"1e999999999"`, `1e65`, `1e-65`, strings.Repeat("9", 39),
		strings.Repeat("9", 1<<20), `0.` + strings.Repeat("0", 1<<20) + `1`,
	}
	for _, text := range bad {
		if v, ok := dims(t, `{"d":`+text+`}`)["d"].Number(); ok {
			t.Errorf("%.40s is the number %s", text, v)
		}
	}
}

// numbers draws texts that are numbers, or nearly.
func numbers() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,2})?`),
		rapid.StringMatching(`-?[0-9]{0,14}(\.[0-9]{0,8})?([eE][+-]?[0-9]{1,3})?`),
		rapid.StringMatching(`-?[0-9]{1,40}`),
		rapid.StringMatching(`[-+0-9.eE/ax]{0,6}`),
	)
}

func TestNumbersAreReadAlikeByBothWays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers().Draw(t, "a"), numbers().Draw(t, "b")
		x, isX := parseNumber(a)
		y, isY := parseNumber(b)
		exactX, errX := money.ParseDecimal(a)
		exactY, errY := money.ParseDecimal(b)
		if isX != (errX == nil) || isY != (errY == nil) {
			t.Fatalf("%q: %v, %v; %q: %v, %v", a, isX, errX, b, isY, errY)
		}
		if isX && isY && x.compare(y) != exactX.Cmp(exactY) {
			t.Fatalf("%s against %s: got %d, want %d", a, b, x.compare(y), exactX.Cmp(exactY))
		}
		if isX && !x.decimal().Equal(exactX) {
			t.Fatalf("%s was read as %s", a, x.decimal())
		}
	})
}

func FuzzDimensions(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1.50,"b":"x","c":true}`, `{"a":null}`, `{"a":{}}`, `{"a":1e999}`, `null`, `[`, `{"a":"\ud800"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d Dimensions
		if json.Unmarshal([]byte(text), &d) != nil || d == nil {
			return
		}
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("%s was read, and cannot be written: %v", text, err)
		}
		if diff := cmp.Diff(d, dims(t, string(out))); diff != "" {
			t.Errorf("%s became %s (-want +got):\n%s", text, out, diff)
		}
	})
}

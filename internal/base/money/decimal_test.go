package money_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/money"
)

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "0e5": "0",
		"49": "49", "49.00": "49", "49.90": "49.9", "-0.5": "-0.5",
		"1e3": "1000", "1.5E+2": "150", "15e-1": "1.5", "1e037": "1" + strings.Repeat("0", 37),
		"0.00001": "0.00001", "12345678901234567890.123456789012345678": "12345678901234567890.123456789012345678",
		"1e-38": "0." + strings.Repeat("0", 37) + "1",
	}
	for in, want := range good {
		d, err := money.ParseDecimal(in)
		if err != nil || d.String() != want {
			t.Errorf("ParseDecimal(%q) = %s, %v; want %s", in, d, err, want)
		}
	}
	bad := []string{
		"", "-", "+1", ".5", "5.", "007", "-01", "1e", "1e+", "1e5.", "1.e5", " 1", "1 ", "1,5", "0x10", "1_000",
		"NaN", "sNaN", "Infinity", "-inf", `"1"`, "null",
		"1e38", "1e-39", "1e999999999", "1e-999999999", "0e999999999", "1e99999999999999999999",
		strings.Repeat("9", 39), strings.Repeat("9", 1<<20), "0." + strings.Repeat("0", 100),
	}
	for _, in := range bad {
		if d, err := money.ParseDecimal(in); err == nil {
			t.Errorf("ParseDecimal(%.40q) = %s, want an error", in, d)
		}
	}
}

func TestZeroValueIsZero(t *testing.T) {
	t.Parallel()
	var d money.Decimal
	if !d.IsZero() || d.Sign() != 0 || d.Scale() != 0 || d.String() != "0" || !d.Equal(money.FromInt(0)) {
		t.Errorf("the zero value is %s", d)
	}
	if got := d.Add(money.FromInt(7)).Mul(money.FromInt(2)); got.String() != "14" {
		t.Errorf("(0 + 7) × 2 = %s", got)
	}
}

func TestArithmeticIsExact(t *testing.T) {
	t.Parallel()
	dec := money.MustDecimal
	tests := []struct {
		name string
		got  money.Decimal
		want string
	}{
		{"tenths add up", dec("0.1").Add(dec("0.2")), "0.3"},
		{"trailing zeros go", dec("1.5").Add(dec("1.5")), "3"},
		{"nothing is left", dec("0.3").Sub(dec("0.3")), "0"},
		{"below zero", dec("1").Sub(dec("1.00001")), "-0.00001"},
		{"price times quantity", dec("0.00005").Mul(dec("999999")), "49.99995"},
		{"zero is never negative", dec("-2").Mul(dec("0")), "0"},
		{"more than 38 digits in between", dec("1e37").Mul(dec("1e37")).Sub(dec("1e37").Mul(dec("1e37"))).Add(dec("1")), "1"},
	}
	for _, tt := range tests {
		if tt.got.String() != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestQuantize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in                         string
		places                     int
		halfEven, halfUp, up, down string
	}{
		{"2.345", 2, "2.34", "2.35", "2.35", "2.34"},
		{"2.355", 2, "2.36", "2.36", "2.36", "2.35"},
		{"2.3451", 2, "2.35", "2.35", "2.35", "2.34"},
		{"2.341", 2, "2.34", "2.34", "2.35", "2.34"},
		{"-2.345", 2, "-2.34", "-2.35", "-2.35", "-2.34"},
		{"0.00001", 2, "0.00", "0.00", "0.01", "0.00"},
		{"-0.00001", 2, "0.00", "0.00", "-0.01", "0.00"},
		{"9.999", 2, "10.00", "10.00", "10.00", "9.99"},
		{"0.5", 0, "0", "1", "1", "0"},
		{"1.5", 0, "2", "2", "2", "1"},
		{"49", 2, "49.00", "49.00", "49.00", "49.00"},
		{"49.9", 3, "49.900", "49.900", "49.900", "49.900"},
		{"49.9", -3, "50", "50", "50", "49"},
		{"0", 2, "0.00", "0.00", "0.00", "0.00"},
	}
	for _, tt := range tests {
		d := money.MustDecimal(tt.in)
		want := map[money.Rounding]string{
			money.HalfEven: tt.halfEven, money.HalfUp: tt.halfUp, money.Up: tt.up, money.Down: tt.down,
		}
		for r, w := range want {
			if got := d.Quantize(tt.places, r).String(); got != w {
				t.Errorf("%s.Quantize(%d, %d) = %s, want %s", tt.in, tt.places, r, got, w)
			}
		}
		if d.String() != tt.in {
			t.Errorf("Quantize changed %s to %s", tt.in, d)
		}
	}
}

func TestJSONIsANumberReadFromItsText(t *testing.T) {
	t.Parallel()
	type price struct {
		Price money.Money       `json:"price"`
		Min   money.NullDecimal `json:"min"`
	}
	const body = `{"price":{"amount":0.1000000000000000055511151231257827,"currency":"usd"},"min":null}`
	var p price
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(body, string(out)); diff != "" {
		t.Errorf("round trip (-want +got):\n%s", diff)
	}
	for _, bad := range []string{`"49"`, `true`, `{}`, `[1]`, `1e999999999`, `1` + strings.Repeat("0", 1<<16)} {
		var d money.Decimal
		if err := json.Unmarshal([]byte(bad), &d); err == nil {
			t.Errorf("%.20s was read as %s", bad, d)
		}
	}
}

func TestSQL(t *testing.T) {
	t.Parallel()
	for _, src := range []any{"12.50", []byte("12.50")} {
		var d money.Decimal
		if err := d.Scan(src); err != nil || d.String() != "12.5" {
			t.Errorf("Scan(%T) = %s, %v", src, d, err)
		}
	}
	var d money.Decimal
	for _, src := range []any{nil, 12.5, int64(12), "twelve"} {
		if err := d.Scan(src); err == nil {
			t.Errorf("Scan(%v) = %s, want an error", src, d)
		}
	}
	if v, err := money.MustDecimal("12.50").Value(); v != "12.5" || err != nil {
		t.Errorf("Value() = %v, %v", v, err)
	}
	tooLong := money.MustDecimal("1e37").Mul(money.MustDecimal("1e37"))
	if v, err := tooLong.Value(); err == nil {
		t.Errorf("75 digits were stored as %v", v)
	}

	n := money.NullDecimal{Decimal: money.FromInt(1), Valid: true}
	if err := n.Scan(nil); err != nil || n.Valid || !n.Decimal.IsZero() {
		t.Errorf("Scan(nil) = %+v, %v", n, err)
	}
	if v, err := n.Value(); v != nil || err != nil {
		t.Errorf("Value() of NULL = %v, %v", v, err)
	}
	if err := n.Scan("3"); err != nil || !n.Valid || n.Decimal.String() != "3" {
		t.Errorf("Scan(3) = %+v, %v", n, err)
	}
}

func TestMustDecimalPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	money.MustDecimal("free")
}

// Package money holds exact decimals, currencies and amounts in whole currency
// units (49 is 49.00; domain-catalog-provisioning §0.3).
//
// Decimal is immutable and never passes through a float: it is read from text and
// written as text. Arithmetic is exact; only Quantize rounds, and says how. What may
// be charged, and when it is rounded, is decided by others.
package money

import (
	"errors"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

const (
	// Precision is the most significant digits that a decimal may have when it comes in or is stored, and
	// also the most digits after the point.
	Precision = 38
	// MaxPlaces is the most decimal places of a unit price. More are refused, not rounded (contract §4.2).
	MaxPlaces = 5

	maxText           = 64 // bytes of a number's text
	maxExponentDigits = 2
)

var (
	errSyntax = errors.New("is not a decimal number")
	errRange  = errors.New("has more than 38 digits")
)

// exact never rounds.
var exact = apd.BaseContext

// Decimal is an exact decimal number. The zero value is 0. Compare with Equal or Cmp, never with ==.
// Trailing zeros after the point are dropped, except by Quantize.
type Decimal struct {
	d *apd.Decimal // never changed once set; nil is 0
}

// ParseDecimal reads a number in JSON's grammar: "49", "-0.5", "1e3". It refuses more than 38 digits, before
// it spends memory on them.
func ParseDecimal(s string) (Decimal, error) {
	if len(s) > maxText {
		return Decimal{}, errRange
	}
	if err := checkNumber(s); err != nil {
		return Decimal{}, err
	}
	d, _, err := exact.NewFromString(s)
	if err != nil {
		return Decimal{}, errSyntax
	}
	p := Decimal{trim(d)}
	return p, p.rangeErr()
}

// MustDecimal is ParseDecimal for constants; it panics.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic("money: " + s + " " + err.Error())
	}
	return d
}

// FromInt returns n.
func FromInt(n int64) Decimal { return Decimal{apd.New(n, 0)} }

// String gives plain notation: no exponent, no leading plus.
func (d Decimal) String() string { return d.get().Text('f') }

// Add returns d + e.
func (d Decimal) Add(e Decimal) Decimal { return calculate(exact.Add, d, e) }

// Sub returns d − e.
func (d Decimal) Sub(e Decimal) Decimal { return calculate(exact.Sub, d, e) }

// Mul returns d × e.
func (d Decimal) Mul(e Decimal) Decimal { return calculate(exact.Mul, d, e) }

// CeilDiv returns d ÷ n rounded up to a whole number, for d ≥ 0 and n > 0: how many blocks of n hold d.
func (d Decimal) CeilDiv(n int64) Decimal {
	whole := d.Quantize(0, Up).get()
	blocks, rest := new(apd.BigInt), new(apd.BigInt)
	blocks.QuoRem(&whole.Coeff, apd.NewBigInt(n), rest)
	if rest.Sign() > 0 {
		blocks.Add(blocks, apd.NewBigInt(1))
	}
	z := new(apd.Decimal)
	z.Coeff.Set(blocks)
	return Decimal{trim(z)}
}

// Cmp returns −1, 0 or 1 as d is less than, equal to or greater than e.
func (d Decimal) Cmp(e Decimal) int { return d.get().Cmp(e.get()) }

// Equal reports whether both are the same number; 1.50 equals 1.5.
func (d Decimal) Equal(e Decimal) bool { return d.Cmp(e) == 0 }

// Sign returns −1, 0 or 1.
func (d Decimal) Sign() int { return d.get().Sign() }

// IsZero reports whether d is 0.
func (d Decimal) IsZero() bool { return d.get().IsZero() }

// Scale is the number of digits after the point in String.
func (d Decimal) Scale() int { return -int(d.get().Exponent) }

var zero = apd.New(0, 0)

func (d Decimal) get() *apd.Decimal {
	if d.d == nil {
		return zero
	}
	return d.d
}

func (d Decimal) rangeErr() error {
	if d.get().NumDigits() > Precision || d.Scale() > Precision {
		return errRange
	}
	return nil
}

type operation func(d, x, y *apd.Decimal) (apd.Condition, error)

func calculate(op operation, x, y Decimal) Decimal {
	z := new(apd.Decimal)
	if _, err := op(z, x.get(), y.get()); err != nil {
		// Exponents beyond ±100,000 alone end here; ParseDecimal admits ±38.
		panic("money: " + err.Error())
	}
	return Decimal{trim(z)}
}

// trim brings z into its one form: exponent ≤ 0, no trailing zeros after the point, no negative zero.
func trim(z *apd.Decimal) *apd.Decimal {
	z.Reduce(z)
	if z.Exponent > 0 {
		z.Coeff.Mul(&z.Coeff, pow10(int(z.Exponent)))
		z.Exponent = 0
	}
	if z.IsZero() {
		z.Negative = false
	}
	return z
}

// checkNumber applies JSON's grammar and bounds the exponent.
func checkNumber(s string) error {
	rest, ok := digits(strings.TrimPrefix(s, "-"), false)
	if !ok {
		return errSyntax
	}
	if strings.HasPrefix(rest, ".") {
		if rest, ok = digits(rest[1:], true); !ok {
			return errSyntax
		}
	}
	if rest == "" {
		return nil
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return errSyntax
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	if tail, ok := digits(rest, true); !ok || tail != "" {
		return errSyntax
	}
	if exp := strings.TrimLeft(rest, "0"); len(exp) > maxExponentDigits {
		return errRange
	}
	return nil
}

// digits cuts a run of digits off s; a leading zero must stand alone unless zeros are allowed to lead.
func digits(s string, leadingZeros bool) (rest string, ok bool) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == 0 || !leadingZeros && n > 1 && s[0] == '0' {
		return s, false
	}
	return s[n:], true
}

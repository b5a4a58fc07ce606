package meter

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/rules"
)

// Quantity is an amount of usage as somebody wrote it: a decimal of at most six places, within ±9.2e18 of the smallest
// unit that it uses. The zero value is 0.
type Quantity struct {
	n     int64
	scale uint8
}

// Whole is a quantity of n whole units.
func Whole(n int64) Quantity { return Quantity{n: n} }

// ParseQuantity reads a JSON number from its text, without a detour over floating point. It reports whether the number
// is one that usage can have.
func ParseQuantity(text string) (Quantity, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && text[0] != '+' {
		return Quantity{n: n}, true
	}
	d, err := money.ParseDecimal(text)
	if err != nil {
		return Quantity{}, false
	}
	whole, places, _ := strings.Cut(d.String(), ".")
	places = strings.TrimRight(places, "0")
	if len(places) > rules.MaxScale {
		return Quantity{}, false
	}
	n, err := strconv.ParseInt(whole+places, 10, 64)
	return Quantity{n, uint8(len(places))}, err == nil
}

// In is the quantity in units of 10^-scale. It reports whether it can be told so: not when it is finer, or too large.
func (q Quantity) In(scale uint8) (int64, bool) {
	if q.scale > scale {
		return 0, false
	}
	one := rules.One(scale - q.scale)
	n := rules.Times(q.n, one)
	return n, n/one == q.n
}

// Sign is -1, 0 or 1.
func (q Quantity) Sign() int {
	switch {
	case q.n < 0:
		return -1
	case q.n > 0:
		return 1
	}
	return 0
}

// AppendNumber writes n units of 10^-scale as a JSON number without needless zeros.
func AppendNumber(b []byte, n int64, scale uint8) []byte {
	one := rules.One(scale)
	if one == 1 {
		return strconv.AppendInt(b, n, 10)
	}
	whole, rest := n/one, n%one
	if rest == 0 {
		return strconv.AppendInt(b, whole, 10)
	}
	if rest < 0 {
		rest = -rest
		if whole == 0 {
			b = append(b, '-')
		}
	}
	b = append(strconv.AppendInt(b, whole, 10), '.')
	for one /= 10; rest > 0; one /= 10 {
		b = append(b, byte('0'+rest/one))
		rest %= one
	}
	return b
}

// Amount is n units of 10^-scale on its way to JSON.
type Amount struct {
	N     int64
	Scale uint8
}

// MarshalJSON writes a JSON number.
func (n Amount) MarshalJSON() ([]byte, error) { return AppendNumber(nil, n.N, n.Scale), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Amount) UnmarshalJSON(b []byte) error {
	q, ok := ParseQuantity(string(b))
	if !ok {
		return fmt.Errorf("%s is no amount of usage", b)
	}
	*n = Amount{q.n, q.scale}
	return nil
}

// MarshalJSON writes a JSON number.
func (q Quantity) MarshalJSON() ([]byte, error) { return AppendNumber(nil, q.n, q.scale), nil }

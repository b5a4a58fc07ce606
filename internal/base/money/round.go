package money

import "github.com/cockroachdb/apd/v3"

// Rounding says what Quantize does with the digits that it takes away.
type Rounding uint8

// The roundings. All are symmetric around zero.
const (
	HalfEven Rounding = iota // to the nearest; a tie goes to the even neighbour
	HalfUp                   // to the nearest; a tie goes away from zero
	Up                       // away from zero
	Down                     // towards zero
)

// Quantize returns d with exactly that many digits after the point: rounded, or padded with zeros. Negative places
// count as 0.
func (d Decimal) Quantize(places int, r Rounding) Decimal {
	places = max(places, 0)
	x := d.get()
	z := new(apd.Decimal).Set(x)
	z.Exponent = -int32(places)
	cut := d.Scale() - places
	if cut <= 0 {
		z.Coeff.Mul(&x.Coeff, pow10(-cut))
		return Decimal{z}
	}
	unit := pow10(cut)
	rest := new(apd.BigInt)
	z.Coeff.QuoRem(&x.Coeff, unit, rest)
	if r.away(&z.Coeff, rest, unit) {
		z.Coeff.Add(&z.Coeff, apd.NewBigInt(1))
	}
	if z.IsZero() {
		z.Negative = false
	}
	return Decimal{z}
}

// away decides whether kept, which lost rest of unit, grows by one. All three are absolute values.
func (r Rounding) away(kept, rest, unit *apd.BigInt) bool {
	half := new(apd.BigInt).Add(rest, rest).Cmp(unit)
	switch r {
	case HalfUp:
		return half >= 0
	case Up:
		return rest.Sign() > 0
	case Down:
		return false
	default:
		return half > 0 || half == 0 && kept.Bit(0) == 1
	}
}

func pow10(n int) *apd.BigInt {
	return new(apd.BigInt).Exp(apd.NewBigInt(10), apd.NewBigInt(int64(n)), nil)
}

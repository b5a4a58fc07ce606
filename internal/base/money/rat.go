package money

import (
	"math/big"

	"github.com/cockroachdb/apd/v3"
)

// Rat returns d as a fraction, for arithmetic whose results have no end: thirds of an amount.
func (d Decimal) Rat() *big.Rat {
	x := d.get()
	n := new(big.Int).Set(x.Coeff.MathBigInt())
	if x.Negative {
		n.Neg(n)
	}
	return new(big.Rat).SetFrac(n, pow10(d.Scale()).MathBigInt())
}

// FromRat returns q with exactly that many digits after the point: rounded, or padded with zeros. Negative places count
// as 0.
func FromRat(q *big.Rat, places int, r Rounding) Decimal {
	places = max(places, 0)
	n := new(apd.BigInt).SetMathBigInt(new(big.Int).Abs(q.Num()))
	unit := new(apd.BigInt).SetMathBigInt(q.Denom())
	n.Mul(n, pow10(places))
	rest := new(apd.BigInt)
	z := new(apd.Decimal)
	z.Exponent = -int32(places)
	z.Coeff.QuoRem(n, unit, rest)
	if r.away(&z.Coeff, rest, unit) {
		z.Coeff.Add(&z.Coeff, apd.NewBigInt(1))
	}
	z.Negative = q.Sign() < 0 && !z.IsZero()
	return Decimal{z}
}

package money

import "strconv"

// Money is an amount in whole units of its currency.
type Money struct {
	Amount   Decimal  `json:"amount" doc:"In whole currency units, with at most 5 decimal places."`
	Currency Currency `json:"currency,omitempty" format:"currency" doc:"Lower-case ISO 4217; usd when absent."`
}

// Round returns m in the currency's minor units. Invoice lines are rounded once, HalfUp (domain-catalog-provisioning §3.7).
func (m Money) Round(r Rounding) Money {
	return Money{m.Amount.Quantize(m.Currency.MinorUnits(), r), m.Currency}
}

// String gives "49.9 usd".
func (m Money) String() string { return m.Amount.String() + " " + string(m.Currency) }

// PlacesIssue says what is wrong with the number of decimal places of a unit price, or "".
func PlacesIssue(price Decimal) string {
	if price.Scale() > MaxPlaces {
		return "may have at most " + strconv.Itoa(MaxPlaces) + " decimal places"
	}
	return ""
}

// maxWhole is the most digits that a unit price has before the point: sums of a catalog's prices stay within Precision.
const maxWhole = 15

// SizeIssue says that a unit price is too large, or "".
func SizeIssue(price Decimal) string {
	if price.get().NumDigits()-int64(price.Scale()) > maxWhole {
		return "may have at most " + strconv.Itoa(maxWhole) + " digits before the point"
	}
	return ""
}

// PriceIssue says what is wrong with a unit price, or "": PlacesIssue, then SizeIssue.
func PriceIssue(price Decimal) string {
	if issue := PlacesIssue(price); issue != "" {
		return issue
	}
	return SizeIssue(price)
}

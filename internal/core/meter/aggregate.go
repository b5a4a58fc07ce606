package meter

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/rules"
)

// The functions of an aggregation (domain-entitlements-usage §5.4).
const (
	fnCount  = "COUNT"
	fnSum    = "SUM"
	fnMax    = "MAX"
	fnMin    = "MIN"
	fnAvg    = "AVG"
	fnUnique = "UNIQUE"
)

// State is what a meter has counted of some events: all that is needed to go on, or to put it together with what was
// counted of others (domain-entitlements-usage §5.4). It is exact, and a few numbers however many events there were. The
// zero value is of no events. States of different functions have nothing to do with each other.
type State struct {
	// Count is how many events count: all for COUNT, those with a new value for UNIQUE, else those with a number. It is
	// never negative, and stays at MaxInt64.
	Count int64
	Sum   money.Decimal // of SUM and AVG
	Min   money.Decimal // of MIN; of no meaning while Count is 0
	Max   money.Decimal // of MAX; of no meaning while Count is 0
}

// Unique reports whether the meter counts distinct values, so that somebody must remember which were seen.
func (m *Meter) Unique() bool { return m.function == fnUnique }

// Add folds one event that matches into a state. The order of events does not matter. Where the aggregated field is
// missing or, but for UNIQUE, no number by Dimension.Number, the event is ignored; numbers may be negative
// (domain-entitlements-usage §5.4). UNIQUE counts every event that it is given: leave out those whose Distinct value was
// seen before.
func (m *Meter) Add(s *State, e *Event) {
	if m.function == fnCount {
		s.Count = addCounts(s.Count, 1)
		return
	}
	v, has := m.field.of(e)
	if !has {
		return
	}
	if m.function == fnUnique {
		s.Count = addCounts(s.Count, 1)
		return
	}
	if n, ok := v.Number(); ok {
		m.addNumber(s, n)
	}
}

func (m *Meter) addNumber(s *State, n money.Decimal) {
	switch m.function {
	case fnSum, fnAvg:
		s.Sum = s.Sum.Add(n)
	case fnMax:
		if s.Count == 0 || n.Cmp(s.Max) > 0 {
			s.Max = n
		}
	case fnMin:
		if s.Count == 0 || n.Cmp(s.Min) < 0 {
			s.Min = n
		}
	default:
		return
	}
	s.Count = addCounts(s.Count, 1)
}

// addCounts adds two counts, and stays at the largest.
func addCounts(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

const (
	maxDistinct = 128 // bytes of a value that stands for itself
	hashed      = "sha256:"
)

// Distinct is the value of an event that a UNIQUE meter counts once; ok is false for other meters and where the event
// does not have it. Values are the same when EQUALS would say so: 1, "1" and 1.0 are one, and so are true and "true". The
// result has at most 128 bytes and none of them is 0, so that it can be a key: the hash stands for a longer value.
func (m *Meter) Distinct(e *Event) (value string, ok bool) {
	if m.function != fnUnique {
		return "", false
	}
	v, has := m.field.of(e)
	if !has {
		return "", false
	}
	if n, isNumber := v.Number(); isNumber {
		return n.String(), true
	}
	// What looks like a hash is hashed, so that it cannot pass for another value.
	if len(v.text) > maxDistinct || strings.HasPrefix(v.text, hashed) || strings.IndexByte(v.text, 0) >= 0 {
		sum := sha256.Sum256([]byte(v.text))
		return hashed + hex.EncodeToString(sum[:]), true
	}
	return v.text, true
}

// Merge is the state of the events of both, which must be of one meter and have no event in common; for UNIQUE, no value
// in common either.
func Merge(a, b State) State {
	switch {
	case a.Count == 0:
		return b
	case b.Count == 0:
		return a
	}
	c := State{Count: addCounts(a.Count, b.Count), Sum: a.Sum.Add(b.Sum), Min: a.Min, Max: a.Max}
	if b.Min.Cmp(c.Min) < 0 {
		c.Min = b.Min
	}
	if b.Max.Cmp(c.Max) > 0 {
		c.Max = b.Max
	}
	return c
}

// Value is what a state comes to, in units of 10^-scale, 0 to rules.MaxScale: rounded once, half to even, and not beyond
// ±MaxInt64. Without events it is 0 (domain-entitlements-usage §5.4).
func (m *Meter) Value(s State, scale uint8) int64 {
	if s.Count == 0 {
		return 0
	}
	switch m.function {
	case fnCount, fnUnique:
		return rules.Times(s.Count, rules.One(scale))
	case fnSum:
		return inUnits(s.Sum.Rat(), scale)
	case fnMax:
		return inUnits(s.Max.Rat(), scale)
	case fnMin:
		return inUnits(s.Min.Rat(), scale)
	case fnAvg:
		return inUnits(new(big.Rat).Quo(s.Sum.Rat(), new(big.Rat).SetInt64(s.Count)), scale)
	}
	return 0
}

// inUnits rounds q, which it changes.
func inUnits(q *big.Rat, scale uint8) int64 {
	q.Mul(q, new(big.Rat).SetInt64(rules.One(scale)))
	n, err := strconv.ParseInt(money.FromRat(q, 0, money.HalfEven).String(), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // then n is the number at the end of the range
		return 0
	}
	return max(n, -math.MaxInt64)
}

// stateText is a state as it is kept. Decimals are strings, so that no reader makes floats of them.
type stateText struct {
	Count int64  `json:"count,omitempty"`
	Sum   string `json:"sum,omitempty"`
	Min   string `json:"min,omitempty"`
	Max   string `json:"max,omitempty"`
}

// MarshalJSON leaves out what is 0.
func (s State) MarshalJSON() ([]byte, error) {
	return json.Marshal(stateText{s.Count, decimalText(s.Sum), decimalText(s.Min), decimalText(s.Max)})
}

func decimalText(d money.Decimal) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// UnmarshalJSON reads what MarshalJSON has written, exactly.
func (s *State) UnmarshalJSON(b []byte) error {
	var w stateText
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.Count < 0 {
		return errors.New("meter: a state counts less than no events")
	}
	read := State{Count: w.Count}
	for _, d := range []struct {
		to   *money.Decimal
		from string
	}{{&read.Sum, w.Sum}, {&read.Min, w.Min}, {&read.Max, w.Max}} {
		v, ok := parseLong(d.from)
		if !ok {
			return errors.New("meter: a state holds what is no number")
		}
		*d.to = v
	}
	*s = read
	return nil
}

// maxLong bounds the text of a sum: MaxInt64 numbers of 38 digits before the point, 38 after it, and more than enough.
const maxLong = 128

// parseLong reads a decimal in plain notation; "" is 0. Sums may have more digits than money.ParseDecimal admits.
func parseLong(s string) (money.Decimal, bool) {
	if s == "" {
		return money.Decimal{}, true
	}
	if d, err := money.ParseDecimal(s); err == nil {
		return d, true
	}
	_, places, _ := strings.Cut(s, ".")
	if len(s) > maxLong || strings.Trim(s, "-.0123456789") != "" {
		return money.Decimal{}, false
	}
	q, ok := new(big.Rat).SetString(s)
	if !ok {
		return money.Decimal{}, false
	}
	return money.FromRat(q, len(places), money.HalfEven), true
}

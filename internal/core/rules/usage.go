package rules

import "math"

// MaxScale is the finest scale: millionths.
const MaxScale = 6

var powers = [MaxScale + 1]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}

// One is one whole unit in a scale from 0 to MaxScale.
func One(scale uint8) int64 { return powers[min(scale, MaxScale)] }

// Shown is usage as it is compared with limits and shown: raw, in units of the row's scale, or round(raw / divide) whole
// units where the feature is sold in larger units than it is reported in (domain-entitlements-usage §4.6). The result is
// in units of the row's scale too.
func (r *Row) Shown(raw int64) int64 {
	if r.Divide <= 0 {
		return raw
	}
	one := One(r.Scale)
	if r.Divide > math.MaxInt64/one { // the divisor alone is more than any usage
		switch {
		case raw > 0 && !r.RoundDown:
			return one
		case raw < 0 && r.RoundDown:
			return -one
		}
		return 0
	}
	divisor := r.Divide * one
	whole, rest := raw/divisor, raw%divisor
	switch {
	case rest > 0 && !r.RoundDown:
		whole++
	case rest < 0 && r.RoundDown:
		whole--
	}
	return Times(whole, one)
}

// Times multiplies, and stays at the largest or smallest number where the product is beyond it.
func Times(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	if p := a * b; p/b == a && (a != -1 || b != math.MinInt64) && (b != -1 || a != math.MinInt64) {
		return p
	}
	if (a < 0) == (b < 0) {
		return math.MaxInt64
	}
	return math.MinInt64
}

// Current is the usage of a cached row at an instant (domain-entitlements-usage §3.3): what was counted in a period that
// is over does not count any more. stale says that it has to be asked for again: what goes up and down may have gone on.
func (r *Row) Current(used int64, period Span, now int64) (current int64, stale bool) {
	if now < period.End {
		return used, false
	}
	if r.Meter == Incremental {
		return 0, false
	}
	return used, true
}

// rescale tells an amount of at least 0 in another scale, rounded up.
func rescale(n int64, from, to uint8) int64 {
	if from <= to {
		return Times(n, One(to-from))
	}
	one := One(from - to)
	if n%one > 0 {
		return n/one + 1
	}
	return n / one
}

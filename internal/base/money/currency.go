package money

import (
	"maps"
	"slices"
	"strings"
)

// Currency is an ISO 4217 code in lower case: "usd".
type Currency string

// USD is the default currency (domain-catalog-provisioning §0.3).
const USD Currency = "usd"

// The wire's currencies and the seven of contract §4.6, by their ISO 4217 minor units.
const (
	noDecimals    = `bif clp djf gnf isk jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf`
	threeDecimals = `bhd iqd jod kwd lyd omr tnd`
	twoDecimals   = `usd aed all amd ang aud awg azn bam bbd bdt bgn bmd bnd bsd bwp byn bzd
		brl cad cdf chf cny czk dkk dop dzd egp etb eur fjd gbp gel gip gmd gyd hkd
		hrk htg idr ils inr jmd kes kgs khr kyd kzt lbp lkr lrd lsl
		mad mdl mga mkd mmk mnt mop mro mvr mwk mxn myr mzn nad ngn nok npr nzd pgk
		php pkr pln qar ron rsd rub sar sbd scr sek sgd sle sll sos szl thb tjs
		top try ttd tzs uah uzs wst xcd yer zar zmw`
)

var minorUnits = func() map[Currency]int {
	m := map[Currency]int{}
	for places, codes := range map[int]string{0: noDecimals, 2: twoDecimals, 3: threeDecimals} {
		for code := range strings.FieldsSeq(codes) {
			m[Currency(code)] = places
		}
	}
	return m
}()

// Currencies returns every known currency in alphabetical order.
func Currencies() []Currency { return slices.Sorted(maps.Keys(minorUnits)) }

// Valid reports whether c is known. Upper case is not.
func (c Currency) Valid() bool {
	_, ok := minorUnits[c]
	return ok
}

// MinorUnits is the number of decimal places in which c is paid: 0, 2 or 3; 2 for an unknown one.
func (c Currency) MinorUnits() int {
	if n, ok := minorUnits[c]; ok {
		return n
	}
	return 2
}

package catalog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
)

func percent(s string) *money.Decimal { return ptr(money.MustDecimal(s)) }

func TestNewCouponValidate(t *testing.T) {
	t.Parallel()
	off := func(amounts ...*money.Money) NewCoupon {
		n := NewCoupon{Name: "Off"}
		for _, m := range amounts {
			n.AmountsOff = append(n.AmountsOff, *m)
		}
		return n
	}
	half := NewCoupon{Name: "Half", PercentOff: percent("50")}
	for _, tc := range []struct {
		name  string
		given NewCoupon
		want  refusal
	}{
		{"a percentage", half, refusal{}},
		{"the least", with(half, func(n *NewCoupon) { n.PercentOff = percent("1") }), refusal{}},
		{"all of it", with(half, func(n *NewCoupon) { n.PercentOff = percent("100") }), refusal{}},
		{"a whole number written otherwise", with(half, func(n *NewCoupon) { n.PercentOff = percent("20.00") }), refusal{}},
		{"nothing", with(half, func(n *NewCoupon) { n.PercentOff = percent("0") }), bad("InvalidArgumentError", "percentOff")},
		{"less than nothing", with(half, func(n *NewCoupon) { n.PercentOff = percent("-5") }), bad("InvalidArgumentError", "percentOff")},
		{"more than all", with(half, func(n *NewCoupon) { n.PercentOff = percent("101") }), bad("InvalidArgumentError", "percentOff")},
		{"a part of a percent", with(half, func(n *NewCoupon) { n.PercentOff = percent("12.5") }), bad("InvalidArgumentError", "percentOff")},
		{"neither", off(), bad("InvalidArgumentError", "percentOff")},
		{"both", with(off(usd("5")), func(n *NewCoupon) { n.PercentOff = percent("5") }), bad("InvalidArgumentError", "amountsOff")},

		{"amounts", off(usd("5"), in("eur", "4.99"), in("jpy", "500"), in("kwd", "1.125")), refusal{}},
		{"the default currency twice", off(usd("5"), in("", "5")), bad("InvalidArgumentError", "amountsOff[1].currency")},
		{"unknown currency", off(in("usx", "5")), bad("BadUserInput", "amountsOff[0].currency")},
		{"no amount", off(usd("5"), in("eur", "0")), bad("InvalidArgumentError", "amountsOff[1].amount")},
		{"a negative amount", off(usd("-5")), bad("InvalidArgumentError", "amountsOff[0].amount")},
		{"a part of a cent", off(usd("0.005")), bad("InvalidArgumentError", "amountsOff[0].amount")},
		{"a part of a yen", off(in("jpy", "0.5")), bad("InvalidArgumentError", "amountsOff[0].amount")},
		{"a part of a fils", off(in("kwd", "0.0005")), bad("InvalidArgumentError", "amountsOff[0].amount")},
		{"too much", off(usd("1000000000000000")), bad("InvalidArgumentError", "amountsOff[0].amount")},

		{"one month", with(half, func(n *NewCoupon) { n.DurationInMonths = ptr(int64(1)) }), refusal{}},
		{"no months", with(half, func(n *NewCoupon) { n.DurationInMonths = ptr(int64(0)) }), bad("InvalidArgumentError", "durationInMonths")},
		{"too many months", with(half, func(n *NewCoupon) { n.DurationInMonths = ptr(int64(1201)) }), bad("InvalidArgumentError", "durationInMonths")},
		{"the longest name", with(half, func(n *NewCoupon) { n.Name = strings.Repeat("ä", 40) }), refusal{}},
		{"a longer name", with(half, func(n *NewCoupon) { n.Name = strings.Repeat("ä", 41) }), bad("BadUserInput", "name")},
		{
			"all bad at once",
			NewCoupon{ID: "a/b", Name: " ", Description: &long, Metadata: map[string]string{"": "x"}, DurationInMonths: ptr(int64(-1))},
			bad("BadUserInput", "description", "durationInMonths", "id", "metadata", "name", "percentOff"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, refused(tc.given.Validate())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCouponTakesOff(t *testing.T) {
	t.Parallel()
	fixed := NewCoupon{ID: "off", Name: "Off", AmountsOff: []money.Money{*in("", "5"), *in("eur", "4.5")}}.coupon(time.Time{})
	if d := cmp.Diff([]money.Money{*in("eur", "4.5"), *usd("5")}, fixed.AmountsOff); d != "" {
		t.Errorf("amounts by currency: %s", d)
	}
	if fixed.Type() != Fixed || fixed.PercentOff != nil || fixed.Source != SourceCatalog || fixed.Status != Active || fixed.RefID != "off" {
		t.Errorf("fixed coupon: %+v", fixed)
	}
	if off, ok := fixed.AmountOff("usd"); !ok || off.String() != "5 usd" {
		t.Errorf("usd: %s, %v", off, ok)
	}
	if off, ok := fixed.AmountOff("jpy"); ok {
		t.Errorf("jpy: %s", off)
	}
	half := NewCoupon{Name: "Half", PercentOff: percent("50.0")}.coupon(time.Time{})
	if half.Type() != Percentage || half.PercentOff == nil || *half.PercentOff != 50 || !strings.HasPrefix(half.RefID, "coupon-") {
		t.Errorf("percentage: %+v", half)
	}
	if off, ok := half.AmountOff("usd"); ok {
		t.Errorf("a percentage takes off %s", off)
	}
}

func TestCouponUpdateValidate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		given CouponUpdate
		want  refusal
	}{
		{"nothing", CouponUpdate{}, refusal{}},
		{"good", CouponUpdate{Name: ptr("Half"), Description: opt.Null[string](), Metadata: opt.Some(map[string]*string{"a": nil})}, refusal{}},
		{"bad", CouponUpdate{Name: ptr(""), Description: opt.Some(long), Metadata: opt.Some(map[string]*string{"": nil})}, bad("BadUserInput", "description", "metadata", "name")},
	} {
		if d := cmp.Diff(tc.want, refused(tc.given.Validate())); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

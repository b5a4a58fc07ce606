package apitest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// Prices as lines: "PER_UNIT MONTHLY 139 eur", of a subscription's add-on "addon-x: FLAT_FEE MONTHLY 5 usd".

type shownMoney struct {
	Amount   json.Number
	Currency string
}

func (m shownMoney) String() string { return m.Amount.String() + " " + m.Currency }

// shownPrice is a price of a pricing table, or of a subscription, which has the amount directly.
type shownPrice struct {
	AddonID, TiersMode          string
	BillingModel, BillingPeriod string
	Price                       *shownMoney
	shownMoney
	BlockSize int64
	Tiers     []struct {
		UpTo                 int64
		UnitPrice, FlatPrice *shownMoney
	}
}

func (p shownPrice) String() string {
	parts := []string{p.BillingModel, p.BillingPeriod}
	if p.AddonID != "" {
		parts = append([]string{p.AddonID + ":"}, parts...)
	}
	switch {
	case p.TiersMode != "":
		parts = append(parts, p.TiersMode)
	case p.Price != nil:
		parts = append(parts, p.Price.String())
	case p.Tiers == nil:
		parts = append(parts, p.shownMoney.String())
	}
	for _, t := range p.Tiers {
		tier := t.UnitPrice.String()
		if t.UpTo > 0 {
			tier = fmt.Sprintf("to %d: %s", t.UpTo, tier)
		}
		if t.FlatPrice != nil {
			tier += " + " + t.FlatPrice.String()
		}
		parts = append(parts, "("+tier+")")
	}
	if p.BlockSize > 0 {
		parts = append(parts, fmt.Sprint("per ", p.BlockSize))
	}
	return strings.Join(parts, " ")
}

type shownOffer struct {
	ID           string
	Prices       []shownPrice
	Entitlements []struct {
		ID                              string
		UsageLimit                      json.Number
		HasUnlimitedUsage, HasSoftLimit bool
		EnumValues                      []string
		InheritedFromPlanID             string
	}
	Addons []shownOffer
}

type shownTable []shownOffer

// table reads a pricing table.
func (c caller) table(query string) shownTable {
	c.t.Helper()
	var body struct{ Data struct{ Plans shownTable } }
	a := c.get("/api/v1/pricing-table?" + query).want(200)
	if err := json.Unmarshal(a.raw, &body); err != nil {
		c.t.Fatal(err)
	}
	return body.Data.Plans
}

// lines has one per plan and, behind a plus, one per add-on of it.
func (t shownTable) lines() (list []string) {
	for _, plan := range t {
		list = append(list, plan.line())
		for _, addon := range plan.Addons {
			list = append(list, "+ "+addon.line())
		}
	}
	return list
}

func (o shownOffer) line() string {
	prices := []string{}
	for _, p := range o.Prices {
		prices = append(prices, p.String())
	}
	return strings.TrimSpace(o.ID + ": " + strings.Join(prices, "; "))
}

// offers checks all lines of a pricing table.
func (c caller) offers(query string, want ...string) {
	c.t.Helper()
	if d := cmp.Diff(want, c.table(query).lines()); d != "" {
		c.t.Errorf("pricing table of %s (-want +got):\n%s", query, d)
	}
}

// gives checks the entitlements that a pricing table shows of a plan.
func (c caller) gives(query, plan string, want ...string) {
	c.t.Helper()
	got := []string{}
	for _, o := range c.table(query) {
		if o.ID != plan {
			continue
		}
		for _, e := range o.Entitlements {
			parts := []string{e.ID, e.UsageLimit.String(), strings.Join(e.EnumValues, ",")}
			if e.HasUnlimitedUsage {
				parts = append(parts, "unlimited")
			}
			if e.HasSoftLimit {
				parts = append(parts, "soft")
			}
			if e.InheritedFromPlanID != "" {
				parts = append(parts, "from "+e.InheritedFromPlanID)
			}
			got = append(got, strings.Join(strings.Fields(strings.Join(parts, " ")), " "))
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		c.t.Errorf("entitlements of %s (-want +got):\n%s", plan, d)
	}
}

// pays checks the prices of a provisioned subscription.
func (a *answer) pays(want ...string) {
	a.t.Helper()
	var body struct {
		Data struct{ Subscription struct{ Prices []shownPrice } }
	}
	if err := json.Unmarshal(a.raw, &body); err != nil {
		a.t.Fatal(err)
	}
	got := []string{}
	for _, p := range body.Data.Subscription.Prices {
		got = append(got, p.String())
	}
	if d := cmp.Diff(append([]string{}, want...), got); d != "" {
		a.t.Errorf("%s: prices (-want +got):\n%s", a.call, d)
	}
}

package catalog

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
)

// fileMaker draws good files that are written as Export writes them.
type fileMaker struct {
	*rapid.T
	file File
	used map[string]bool // features
}

func anyFile() *rapid.Generator[File] {
	return rapid.Custom(func(t *rapid.T) File {
		m := fileMaker{T: t, file: File{Format: 1}, used: map[string]bool{}}
		m.features()
		m.groups()
		for i := range rapid.IntRange(1, 2).Draw(t, "products") {
			m.product(fmt.Sprint("product-", i))
		}
		m.coupons()
		for i := range m.file.Features {
			f := &m.file.Features[i]
			f.Archived = m.used[f.ID] && m.rarely("archived")
		}
		return m.file
	})
}

func (m *fileMaker) often(what string) bool { return rapid.Bool().Draw(m.T, what) }

func (m *fileMaker) rarely(what string) bool { return rapid.IntRange(0, 4).Draw(m.T, what) == 4 }

func (m *fileMaker) text(what string) *string {
	if !m.rarely(what) {
		return nil
	}
	return ptr(rapid.SampledFrom([]string{"words", "Wörter", ""}).Draw(m.T, what))
}

func (m *fileMaker) metadata() map[string]string {
	if !m.rarely("metadata") {
		return nil
	}
	return map[string]string{"key": "value", "another": rapid.SampledFrom([]string{"1", "2"}).Draw(m.T, "metadata value")}
}

// some draws a part of a list in its order.
func (m *fileMaker) some(what string, list []string) (out []string) {
	for _, v := range list {
		if m.often(what + " " + v) {
			out = append(out, v)
		}
	}
	return out
}

func (m *fileMaker) features() {
	for _, f := range []FileFeature{
		{ID: "api", Type: Number, MeterType: Incremental},
		{ID: "calls", Type: Number, MeterType: Incremental},
		{ID: "days", Type: Number},
		{ID: "region", Type: Enum, EnumValues: []EnumValue{{"us", "America"}, {"eu", "Europe"}}},
		{ID: "seats", Type: Number, MeterType: Fluctuating},
		{ID: "sso", Type: Boolean},
	} {
		f.DisplayName, f.Description, f.Metadata = "Feature "+f.ID, m.text("description"), m.metadata()
		f.Units, f.UnitsPlural = m.text("units"), m.text("plural")
		if f.MeterType != "" && m.rarely("transformation") {
			f.Scale = uint8(rapid.IntRange(0, 6).Draw(m.T, "scale"))
			f.Transformation = &Transformation{Divide: 1000, Round: rapid.SampledFrom([]string{"UP", "DOWN"}).Draw(m.T, "round")}
		}
		if f.MeterType != "" && m.rarely("meter") {
			f.Meter = &Meter{Aggregation: Aggregation{"SUM", "n"}, Filters: []Filter{{[]Condition{{Field: "a", Operation: "IN", Values: []string{"x", "y"}}}}}}
		}
		m.file.Features = append(m.file.Features, f)
	}
}

func (m *fileMaker) groups() {
	for i := range rapid.IntRange(0, 2).Draw(m.T, "groups") {
		g := FileGroup{ID: fmt.Sprint("group-", i), DisplayName: "Group", Description: m.text("description"), Metadata: m.metadata()}
		for _, f := range m.file.Features {
			if m.often("member " + f.ID) {
				g.Features = append(g.Features, f.ID)
				m.used[f.ID] = true
			}
		}
		m.file.Groups = append(m.file.Groups, g)
	}
}

func (m *fileMaker) product(ref string) {
	var addons, plans []FilePackage
	for i := range rapid.IntRange(0, 2).Draw(m.T, "addons") {
		addons = append(addons, m.pkg(KindAddon, ref, i, addons, nil))
	}
	for i := range rapid.IntRange(0, 3).Draw(m.T, "plans") {
		plans = append(plans, m.pkg(KindPlan, ref, i, addons, plans))
	}
	m.file.Addons, m.file.Plans = append(m.file.Addons, addons...), append(m.file.Plans, plans...)
	p := FileProduct{ID: ref, DisplayName: "Product", Description: m.text("description"), MultipleSubscriptions: m.rarely("multiple"), Metadata: m.metadata()}
	if m.rarely("cutoff") {
		p.UsageResetCutoff = &FileReset{rapid.SampledFrom([]string{NeverReset, BillingPeriodChange}).Draw(m.T, "cutoff")}
	}
	var j FileJourney
	for _, plan := range plans {
		switch c := plan.Charges; {
		case plan.Status == Draft:
		case c.Type == Free && m.often("journey"):
			j = FileJourney{StartSetup: "FREE_PLAN", StartPlanID: plan.ID, EndSetup: "DOWNGRADE_TO_FREE", DowngradePlanID: plan.ID}
		case plan.Trial != nil && m.often("journey"):
			j = FileJourney{StartSetup: "TRIAL_PERIOD", StartPlanID: plan.ID}
		}
	}
	if m.rarely("times") {
		j.CancellationTime, j.DowngradeTime, j.Prorate = "END_OF_BILLING_PERIOD", "END_OF_BILLING_PERIOD", true
	}
	if !j.empty() {
		p.Settings = &j
	}
	if m.rarely("order") {
		p.PlanOrder = rapid.Permutation(m.some("ordered", idsOf(plans))).Draw(m.T, "order")
	}
	m.file.Products = append(m.file.Products, p)
}

func idsOf(list []FilePackage) (refs []string) {
	for i := range list {
		refs = append(refs, list[i].ID)
	}
	return refs
}

// pkg draws the next package of a product; it refers only to those that were drawn before.
func (m *fileMaker) pkg(kind Kind, product string, i int, addons, plans []FilePackage) FilePackage {
	p := FilePackage{
		ID: fmt.Sprintf("%s-%s-%d", kind.Noun(), product, i), ProductID: product, BillingID: m.text("billing id"), Metadata: m.metadata(),
		HiddenFromWidgets: m.some("hidden from", []string{"CHECKOUT", Paywall}),
	}
	if m.rarely("draft") {
		p.Status = Draft
	}
	p.FileContent = m.content(kind, p.Status != Draft, addons, plans)
	if p.Status != Draft && m.rarely("beside") {
		draft := m.content(kind, false, addons, plans)
		p.Draft = &draft
	}
	return p
}

func (m *fileMaker) content(kind Kind, published bool, addons, plans []FilePackage) FileContent {
	c := FileContent{DisplayName: rapid.SampledFrom([]string{"One", "Two"}).Draw(m.T, "name"), Description: m.text("description")}
	groups := m.file.Groups
	c.Entitlements = m.entitlements(kind, groups)
	if published || m.often("priced") {
		var over []string
		for _, e := range c.Entitlements {
			if e.ID == "calls" && m.often("overage") {
				over = []string{"calls"}
			}
		}
		charges := anyPricing(m.T, []string{"api", "seats"}, over)
		c.Charges = &charges
		for _, one := range charges.Models {
			m.used[one.FeatureID] = true
		}
	}
	typ := ""
	if c.Charges != nil {
		typ = c.Charges.Type
	}
	if kind == KindAddon {
		c.Dependencies = m.some("needs", idsOf(addons))
		if m.rarely("maximum") {
			c.MaxQuantity = ptr(rapid.Int64Range(1, MaxUnits).Draw(m.T, "maximum"))
		}
		return c
	}
	for _, a := range addons {
		custom := a.Charges != nil && a.Charges.Type == Custom
		if (!custom || typ == Custom) && m.often("with "+a.ID) {
			c.Compatible = append(c.Compatible, a.ID)
		}
	}
	if len(plans) > 0 && m.often("inherits") {
		if parent := rapid.SampledFrom(plans).Draw(m.T, "parent"); parent.Status != Draft || !published {
			c.ParentID = parent.ID
		}
	}
	if typ != Free && m.often("trial") {
		c.Trial = &FileTrial{Duration: rapid.IntRange(1, 30).Draw(m.T, "days"), Units: "DAY", EndBehavior: rapid.SampledFrom([]string{"", "CONVERT_TO_PAID"}).Draw(m.T, "end")}
		if typ == Paid && m.rarely("budget") {
			c.Trial.Duration, c.Trial.Budget = 0, &FileBudget{Limit: money.FromInt(50), Soft: m.often("soft")}
		}
	}
	return c
}

func (m *fileMaker) entitlements(kind Kind, groups []FileGroup) (list []FileEntitlement) {
	for _, f := range m.file.Features {
		if !m.often("gives " + f.ID) {
			continue
		}
		m.used[f.ID] = true
		e := FileEntitlement{ID: f.ID, DisplayName: m.text("label"), Description: m.text("description"), HiddenFromWidgets: m.some("hides from", []string{"CHECKOUT", Paywall})}
		if m.rarely("revoked") {
			e.Granted = ptr(false)
		}
		if kind == KindAddon && m.rarely("overrides") {
			e.Behavior = Override
		}
		switch f.Type {
		case Enum:
			e.EnumValues = rapid.SampledFrom([][]string{{"eu"}, {"us"}, {"eu", "us"}}).Draw(m.T, "values")
		case Number:
			e.UsageLimit, e.Soft = ptr(rapid.Int64Range(0, 1000).Draw(m.T, "limit")), m.rarely("soft")
			switch rapid.IntRange(0, 3).Draw(m.T, "kind of limit") {
			case 0:
				e.UsageLimit, e.Unlimited = nil, true
			case 1:
				e.UsageLimit, e.IsCustom = nil, true
			}
		}
		if f.MeterType != "" {
			e.ResetPeriod, e.ResetMembers = anyReset(m.T)
		}
		for _, g := range groups {
			if slices.Contains(g.Features, f.ID) && m.rarely("through "+g.ID) {
				e.FeatureGroups = append(e.FeatureGroups, g.ID)
			}
		}
		list = append(list, e)
	}
	if m.rarely("credits") {
		e := FileEntitlement{ID: "tokens", Type: CreditEntitlement, Amount: ptr(amounts().Draw(m.T, "credits")), Cadence: rapid.SampledFrom([]string{"MONTH", "YEAR"}).Draw(m.T, "cadence")}
		for _, on := range list {
			if (on.UsageLimit != nil || on.IsCustom) && m.rarely("times "+on.ID) {
				e.DependencyFeature = on.ID
			}
		}
		list = append(list, e)
	}
	for i := range rapid.IntRange(0, len(list)).Draw(m.T, "ordered rows") { // those come first
		list[i].Order = ptr(float64(i) / 2)
	}
	return list
}

func (m *fileMaker) coupons() {
	for i := range rapid.IntRange(0, 2).Draw(m.T, "coupons") {
		c := FileCoupon{ID: fmt.Sprint("coupon-", i), Name: "Off", Description: m.text("description"), Metadata: m.metadata()}
		if m.often("percent") {
			c.PercentOff = ptr(money.FromInt(rapid.Int64Range(1, 100).Draw(m.T, "percent off")))
		} else {
			c.AmountsOff = []money.Money{{Amount: money.FromInt(rapid.Int64Range(1, 99).Draw(m.T, "euros")), Currency: "eur"}, {Amount: money.MustDecimal("5.5"), Currency: "usd"}}
		}
		if m.often("for ever") {
			c.DurationInMonths = ptr(rapid.Int64Range(1, 12).Draw(m.T, "months"))
		}
		m.file.Coupons = append(m.file.Coupons, c)
	}
}

package catalog

import (
	"cmp"
	"slices"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/journey"
)

// Whole is everything that an environment's catalog has, archived things included. Versions are those in force and
// drafts.
type Whole struct {
	Products []Product
	Features []Feature
	Groups   []FeatureGroup
	Packages []Package
	Coupons  []Coupon
}

// Export writes down what is sold and what is being prepared: no archived things, but for features that something still
// uses, and no default product that nobody has touched. The same catalog is always the same file, whatever its
// environment.
func (w Whole) Export() File {
	f := File{Format: 1}
	x := exporting{products: map[string]bool{}, addons: map[string]bool{}, plans: map[string]bool{}, features: map[string]bool{}, groups: map[string][]string{}}
	used := map[string]bool{}
	for _, p := range w.Packages {
		used[p.ProductID] = true
	}
	for _, p := range w.Products {
		x.products[p.RefID] = p.Status != Archived && (used[p.ID] || !p.untouched())
	}
	for _, p := range w.Packages {
		live := p.Status != Archived && x.products[p.ProductRefID]
		if p.Kind == KindAddon {
			x.addons[p.RefID] = live
		} else {
			x.plans[p.RefID] = live
		}
	}
	for _, g := range w.Groups {
		if g.Status != Archived {
			f.Groups = append(f.Groups, x.group(g))
		}
	}
	for i := range w.Packages {
		p := &w.Packages[i]
		switch {
		case p.Kind == KindAddon && x.addons[p.RefID]:
			f.Addons = append(f.Addons, x.pkg(p))
		case p.Kind == KindPlan && x.plans[p.RefID]:
			f.Plans = append(f.Plans, x.pkg(p))
		}
	}
	for _, ft := range w.Features {
		if ft.Status != FeatureSuspended || x.features[ft.RefID] {
			f.Features = append(f.Features, ft.file())
		}
	}
	for _, p := range w.Products {
		if x.products[p.RefID] {
			f.Products = append(f.Products, x.product(p))
		}
	}
	for _, c := range w.Coupons {
		if c.Status != Archived && c.Source == SourceCatalog {
			f.Coupons = append(f.Coupons, c.file())
		}
	}
	f.sort()
	return f
}

// untouched reports whether it is the default product as every environment begins with it.
func (p Product) untouched() bool { return p.IsDefault && p.Version == 1 }

// sort brings everything into the order of ids.
func (f *File) sort() {
	slices.SortFunc(f.Features, func(a, b FileFeature) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(f.Groups, func(a, b FileGroup) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(f.Products, func(a, b FileProduct) int { return cmp.Compare(a.ID, b.ID) })
	byID := func(a, b FilePackage) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(f.Addons, byID)
	slices.SortFunc(f.Plans, byID)
	slices.SortFunc(f.Coupons, func(a, b FileCoupon) int { return cmp.Compare(a.ID, b.ID) })
}

// exporting knows what will be in the file, and which features it uses.
type exporting struct {
	products, addons, plans, features map[string]bool

	groups map[string][]string // the features of each
}

func (f Feature) file() FileFeature {
	out := FileFeature{
		ID: f.RefID, DisplayName: f.DisplayName, Description: f.Description, Type: f.Type, Units: f.Units,
		UnitsPlural: f.UnitsPlural, EnumValues: f.EnumValues, Transformation: f.Transformation, Scale: f.Scale, Meter: f.Meter,
		Metadata: f.Metadata, Archived: f.Status == FeatureSuspended,
	}
	if f.MeterType != NoMeter {
		out.MeterType = f.MeterType
	}
	return out
}

func (x exporting) group(g FeatureGroup) FileGroup {
	for _, ref := range g.Features {
		x.features[ref] = true
	}
	x.groups[g.RefID] = g.Features
	return FileGroup{ID: g.RefID, DisplayName: g.DisplayName, Description: g.Description, Features: g.Features, Metadata: g.Metadata}
}

func (x exporting) product(p Product) FileProduct {
	out := FileProduct{
		ID: p.RefID, DisplayName: p.DisplayName, Description: p.Description, MultipleSubscriptions: p.MultipleSubscriptions,
		PlanOrder: kept(p.PlanOrder, x.plans), Metadata: p.Metadata,
	}
	s, def := p.Settings, journey.Defaults()
	s.CancelWithProductIDs = kept(s.CancelWithProductIDs, x.products)
	j := FileJourney{
		StartPlanID: string(s.StartPlanID), DowngradePlanID: string(s.DowngradePlanID), Prorate: s.ProrateAtEndOfBillingPeriod,
		StartSetup: unless(s.StartSetup, def.StartSetup), EndSetup: unless(s.EndSetup, def.EndSetup),
		CancellationTime: unless(s.CancellationTime, def.CancellationTime), DowngradeTime: unless(s.DowngradeTime, def.DowngradeTime),
		CancelWithProductIDs: s.CancelWithProductIDs,
	}
	if !j.empty() {
		out.Settings = &j
	}
	if p.UsageResetCutoff != AlwaysReset {
		out.UsageResetCutoff = &FileReset{p.UsageResetCutoff}
	}
	return out
}

func (j *FileJourney) empty() bool {
	return j.StartSetup+j.StartPlanID+j.EndSetup+j.DowngradePlanID+j.CancellationTime+j.DowngradeTime == "" && !j.Prorate &&
		len(j.CancelWithProductIDs) == 0
}

// unless is v, or "" for the default.
func unless[T ~string](v, def T) string {
	if v == def {
		return ""
	}
	return string(v)
}

func kept(refs []string, in map[string]bool) (out []string) {
	for _, ref := range refs {
		if in[ref] {
			out = append(out, ref)
		}
	}
	return out
}

func (x exporting) pkg(p *Package) FilePackage {
	out := FilePackage{
		ID: p.RefID, ProductID: p.ProductRefID, BillingID: p.BillingID, HiddenFromWidgets: p.HiddenFromWidgets,
		Metadata: p.Metadata, FileContent: x.content(p.Shown()),
	}
	switch {
	case p.Latest == nil:
		out.Status = Draft
	case p.Draft != nil:
		draft := x.content(p.Draft)
		out.Draft = &draft
	}
	return out
}

func (x exporting) content(v *Version) FileContent {
	c := FileContent{
		DisplayName: v.DisplayName, Description: v.Description, ParentID: v.ParentID, Compatible: kept(v.Compatible, x.addons),
		Dependencies: kept(v.Dependencies, x.addons), MaxQuantity: v.MaxQuantity, Trial: v.Trial.file(), Charges: v.Pricing(),
	}
	for i := range v.Entitlements {
		e := v.Entitlements[i].file()
		e.FeatureGroups = nil
		for _, g := range v.Entitlements[i].FeatureGroups { // a published version keeps links that hold no longer
			if slices.Contains(x.groups[g], e.ID) {
				e.FeatureGroups = append(e.FeatureGroups, g)
			}
		}
		c.Entitlements = append(c.Entitlements, e)
		x.features[v.Entitlements[i].FeatureRefID] = true
	}
	for _, p := range v.Prices {
		x.features[p.FeatureRefID] = true
	}
	return c
}

func (t *Trial) file() *FileTrial {
	if t == nil {
		return nil
	}
	out := &FileTrial{Duration: t.Duration, Units: t.Units, EndBehavior: t.EndBehavior}
	if t.Budget != nil {
		out.Budget = &FileBudget{t.Budget.Limit, t.Budget.Soft}
	}
	return out
}

func (e *Entitlement) file() FileEntitlement {
	out := FileEntitlement{
		ID: e.Ref(), UsageLimit: e.UsageLimit, Unlimited: e.Unlimited, Soft: e.Soft, ResetPeriod: e.ResetPeriod,
		EnumValues: e.EnumValues, Amount: e.Amount, Cadence: e.Cadence, DependencyFeature: e.DependencyFeature,
		IsCustom: e.IsCustom, Order: e.Order, DisplayName: e.DisplayName, Description: e.Description,
		HiddenFromWidgets: e.HiddenFromWidgets, FeatureGroups: e.FeatureGroups, ResetMembers: resetMembersOf(e.ResetPeriod, e.ResetConfiguration),
	}
	if e.Type == CreditEntitlement {
		out.Type = CreditEntitlement
	}
	if e.Behavior != Increment {
		out.Behavior = e.Behavior
	}
	if !e.Granted {
		out.Granted = &e.Granted
	}
	return out
}

func (c Coupon) file() FileCoupon {
	out := FileCoupon{
		ID: c.RefID, Name: c.Name, Description: c.Description, AmountsOff: c.AmountsOff, DurationInMonths: c.DurationInMonths,
		Metadata: c.Metadata,
	}
	if c.PercentOff != nil {
		p := money.FromInt(*c.PercentOff)
		out.PercentOff = &p
	}
	return out
}

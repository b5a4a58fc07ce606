package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/core/journey"
)

// Check records everything that is wrong with a file by itself.
func (f File) Check(c *errs.Checks) { f.build(c, time.Time{}) }

// build makes the entities that a file describes, with new internal ids. What is wrong is recorded, and what came of it
// then is of no use.
func (f File) build(c *errs.Checks, now time.Time) Whole {
	b := building{Checks: c, now: now, features: map[string]*Feature{}, seen: map[string]bool{}, links: map[string]Links{}}
	if f.Format != 1 {
		c.Rule("formatVersion", "must be 1")
	}
	for i, in := range f.Features {
		b.feature(fmt.Sprintf("features[%d].", i), in)
	}
	for i := range b.whole.Features {
		active := b.whole.Features[i]
		active.Status = FeatureActive // an archived one may stay where it is used
		b.features[active.RefID] = &active
	}
	for i, in := range f.Groups {
		b.group(fmt.Sprintf("featureGroups[%d].", i), in)
	}
	for i, in := range f.Products {
		b.product(fmt.Sprintf("products[%d].", i), in)
	}
	for i := range f.Addons {
		b.pkg(fmt.Sprintf("addons[%d].", i), KindAddon, &f.Addons[i])
	}
	for i := range f.Plans {
		b.pkg(fmt.Sprintf("plans[%d].", i), KindPlan, &f.Plans[i])
	}
	for i := range f.Addons {
		b.link(fmt.Sprintf("addons[%d].", i), KindAddon, &f.Addons[i])
	}
	for i := range f.Plans {
		b.link(fmt.Sprintf("plans[%d].", i), KindPlan, &f.Plans[i])
	}
	b.activate()
	for i, in := range f.Products {
		b.journey(fmt.Sprintf("products[%d].", i), in)
	}
	for i, in := range f.Coupons {
		b.coupon(fmt.Sprintf("coupons[%d].", i), in)
	}
	return b.whole
}

// activate makes features ACTIVE that a package uses.
func (b *building) activate() {
	used := map[string]bool{}
	for i := range b.whole.Packages {
		for _, v := range []*Version{b.whole.Packages[i].Latest, b.whole.Packages[i].Draft} {
			if v == nil {
				continue
			}
			for j := range v.Entitlements {
				used[v.Entitlements[j].FeatureRefID] = true
			}
			for j := range v.Prices {
				used[v.Prices[j].FeatureRefID] = true
			}
		}
	}
	for i := range b.whole.Features {
		if f := &b.whole.Features[i]; f.Status == FeatureNew && used[f.RefID] {
			f.Status = FeatureActive
		}
	}
}

// building is a file on its way to become entities.
type building struct {
	*errs.Checks
	now      time.Time
	whole    Whole
	features map[string]*Feature
	seen     map[string]bool  // ids, by kind
	links    map[string]Links // by product
}

// id checks that an id is one, and only there once.
func (b *building) id(path, kind, ref string) {
	checkGivenRef(b.Checks, path+"id", ref)
	if key := kind + " " + ref; b.seen[key] && ref != "" {
		b.Named(errs.Duplicated, path+"id", "there are two %ss with the id %s", kind, ref)
	} else {
		b.seen[key] = true
	}
}

func (b *building) feature(path string, in FileFeature) {
	b.id(path, "feature", in.ID)
	metadata.Check(b.Checks, path+"metadata", in.Metadata)
	f := Feature{
		ID: id.New(), RefID: in.ID, DisplayName: in.DisplayName, Description: in.Description, Type: in.Type,
		MeterType: in.MeterType, Status: FeatureNew, Units: in.Units, UnitsPlural: in.UnitsPlural, EnumValues: in.EnumValues,
		Transformation: in.Transformation, Scale: in.Scale, Meter: in.Meter, Metadata: metadata.Given(in.Metadata),
		Version: 1, CreatedAt: b.now, UpdatedAt: b.now,
	}
	if in.Archived {
		f.Status = FeatureSuspended
	}
	f.fill()
	f.check(b.Checks, path)
	b.whole.Features = append(b.whole.Features, f)
}

func (b *building) group(path string, in FileGroup) {
	b.id(path, "feature group", in.ID)
	metadata.Check(b.Checks, path+"metadata", in.Metadata)
	g := FeatureGroup{
		ID: id.New(), RefID: in.ID, DisplayName: in.DisplayName, Description: in.Description, Metadata: metadata.Given(in.Metadata),
		Features: distinct(in.Features), Status: Active, Version: 1, CreatedAt: b.now, UpdatedAt: b.now,
	}
	g.check(b.Checks, path)
	for i, ref := range in.Features {
		if b.features[ref] == nil {
			b.Named(ErrFeatureNotFound, fmt.Sprintf("%sfeatureIds[%d]", path, i), "the file has no feature %s", ref)
		}
	}
	b.whole.Groups = append(b.whole.Groups, g)
}

func (b *building) product(path string, in FileProduct) {
	b.id(path, "product", in.ID)
	checkNameAt(b.Checks, path+"displayName", in.DisplayName)
	checkText(b.Checks, path+"description", in.Description)
	metadata.Check(b.Checks, path+"metadata", in.Metadata)
	p := Product{
		ID: id.New(), RefID: in.ID, DisplayName: in.DisplayName, Description: in.Description, Metadata: metadata.Given(in.Metadata),
		MultipleSubscriptions: in.MultipleSubscriptions, Status: Published, Settings: in.Settings.settings(),
		UsageResetCutoff: AlwaysReset, PlanOrder: append([]string{}, in.PlanOrder...), Version: 1, CreatedAt: b.now, UpdatedAt: b.now,
	}
	if r := in.UsageResetCutoff; r != nil {
		checkOneOf(b.Checks, path+"usageResetCutoffRule.behavior", r.Behavior, AlwaysReset, NeverReset, BillingPeriodChange)
		p.UsageResetCutoff = r.Behavior
	}
	b.whole.Products = append(b.whole.Products, p)
}

func (b *building) pkg(path string, kind Kind, in *FilePackage) {
	b.id(path, kind.Word(), in.ID)
	checkText(b.Checks, path+"billingId", in.BillingID)
	metadata.Check(b.Checks, path+"metadata", in.Metadata)
	checkWidgets(b.Checks, path+"hiddenFromWidgets", in.HiddenFromWidgets)
	at := slices.IndexFunc(b.whole.Products, func(p Product) bool { return p.RefID == in.ProductID })
	if at < 0 {
		b.Named(ErrProductNotFound, path+"productId", "the file has no product %s", in.ProductID)
		return
	}
	product := b.whole.Products[at]
	p := Package{
		ID: id.New(), Kind: kind, RefID: in.ID, ProductID: product.ID, ProductRefID: product.RefID, Status: Published,
		BillingID: in.BillingID, Metadata: metadata.Given(in.Metadata), HiddenFromWidgets: distinct(in.HiddenFromWidgets),
		Version: 1, CreatedAt: b.now, UpdatedAt: b.now,
	}
	v := b.version(path, kind, &in.FileContent)
	v.PackageID, v.Number = p.ID, 1
	switch status := cmp.Or(in.Status, Published); status {
	case Draft:
		p.Status, p.Draft = Draft, v
		if in.Draft != nil {
			b.Rule(path+"draft", "what is a DRAFT has no other draft beside it")
		}
	case Published:
		v.checkComplete(b.Checks, path, kind)
		v.Status, v.IsLatest, v.PublishedAt = Published, true, &b.now
		p.Latest = v
	default:
		checkOneOf(b.Checks, path+"status", status, Draft, Published)
		p.Latest = v // others may refer to it
	}
	if in.Draft != nil && p.Draft == nil {
		p.Draft = b.version(path+"draft.", kind, in.Draft)
		p.Draft.PackageID, p.Draft.Number = p.ID, 2
	}
	for _, v := range []*Version{p.Latest, p.Draft} {
		if v != nil {
			b.links[product.RefID] = append(b.links[product.RefID], Link{
				Kind: kind, RefID: p.RefID, Status: p.Status, Draft: v == p.Draft, ParentID: v.ParentID,
				Compatible: v.Compatible, Dependencies: v.Dependencies,
			})
		}
	}
	b.whole.Packages = append(b.whole.Packages, p)
}

// version makes a draft of content.
func (b *building) version(path string, kind Kind, in *FileContent) *Version {
	checkNameAt(b.Checks, path+"displayName", in.DisplayName)
	checkText(b.Checks, path+"description", in.Description)
	checkMaxQuantity(b.Checks, path+"maxQuantity", in.MaxQuantity)
	v := &Version{
		ID: id.New(), Status: Draft, DisplayName: in.DisplayName, Description: in.Description, Trial: in.Trial.trial(),
		ParentID: in.ParentID, Compatible: distinct(in.Compatible), Dependencies: distinct(in.Dependencies),
		MaxQuantity: in.MaxQuantity, CreatedAt: b.now, UpdatedAt: b.now,
	}
	b.ofKind(path, kind, in)
	b.entitlements(path, kind, v, in.Entitlements)
	if p := in.Charges; p != nil {
		p.check(b.Checks, path+"charges")
		p.checkFeatures(b.Checks, path+"charges", b.features, func(string) bool { return true })
		for _, row := range v.include(b.Checks, path+"charges", p, b.features, b.now) {
			v.put(row)
		}
		v.PricingType, v.OveragePeriod, v.Prices = p.Type, p.overagePeriod(), p.prices(b.features, b.now)
	}
	b.dependencies(path, v, in.Entitlements)
	SortEntitlements(v.Entitlements)
	v.Trial.check(b.Checks, path+trialPath)
	v.Trial.checkFor(b.Checks, path+trialPath, v.PricingType)
	return v
}

// ofKind refuses members that the other kind has.
func (b *building) ofKind(path string, kind Kind, in *FileContent) {
	foreign := map[string]bool{"maxQuantity": in.MaxQuantity != nil, "dependencies": len(in.Dependencies) > 0}
	of := "add-ons"
	if kind == KindAddon {
		of = "plans"
		foreign = map[string]bool{"parentPlanId": in.ParentID != "", "compatibleAddonIds": len(in.Compatible) > 0, trialPath: in.Trial != nil}
	}
	for name, given := range foreign {
		if given {
			b.Rule(path+name, "only %s have it", of)
		}
	}
}

func (b *building) entitlements(path string, kind Kind, v *Version, list []FileEntitlement) {
	for i := range list {
		in, at := &list[i], path+entitlementPath(i)
		n := NewEntitlement{Type: in.Type, Ref: in.ID, EntitlementUpdate: in.update()}
		if in.Type != "" {
			checkOneOf(b.Checks, at+"type", in.Type, FeatureEntitlement, CreditEntitlement)
		}
		checkGivenRef(b.Checks, at+"id", in.ID)
		if v.find(n.Type, n.Ref) != nil {
			b.Named(errs.Duplicated, at+"id", "there are two entitlements to %s", n.Ref)
			continue
		}
		if row, ok := n.row(b.Checks, at, kind, b.features, b.whole.Groups, b.now); ok {
			v.Entitlements = append(v.Entitlements, row)
		}
	}
}

// dependencies checks what credits are used for, once every entitlement is as its overage makes it.
func (b *building) dependencies(path string, v *Version, list []FileEntitlement) {
	for i := range list {
		if e := v.find(list[i].Type, list[i].ID); e != nil {
			v.checkDependency(b.Checks, e, path+entitlementPath(i))
		}
	}
}

// link checks what a package says about others, once all are known.
func (b *building) link(path string, kind Kind, in *FilePackage) {
	if !b.seen["product "+in.ProductID] {
		return
	}
	links := b.links[in.ProductID]
	of := func(path string, c *FileContent) {
		v := &Version{ParentID: c.ParentID, Compatible: c.Compatible, Dependencies: c.Dependencies}
		links.check(b.Checks, linkPaths{path + "parentPlanId", path + "compatibleAddonIds", path + "dependencies"}, in.ID, v, &Version{})
	}
	of(path, &in.FileContent)
	if in.Draft != nil {
		of(path+"draft.", in.Draft)
	}
	if in.Status == Draft {
		return
	}
	if c := &in.FileContent; c.ParentID != "" && links.status(KindPlan, c.ParentID) == Draft {
		b.Named(ErrUnpublished, path+"parentPlanId", "the plan %s is a draft", c.ParentID)
	}
	if kind == KindPlan && in.Charges != nil {
		checkCustomAddons(b.Checks, path+"compatibleAddonIds", &Version{PricingType: in.Charges.Type, Compatible: in.Compatible}, b.addons(in.Compatible))
	}
}

func (b *building) addons(refs []string) (list []Package) {
	for _, p := range b.whole.Packages {
		if p.Kind == KindAddon && slices.Contains(refs, p.RefID) {
			list = append(list, p)
		}
	}
	return list
}

// journey checks a product's settings and order against the plans of the file.
func (b *building) journey(path string, in FileProduct) {
	plan := func(ref string) (journey.Plan, bool) {
		for _, p := range b.whole.Packages {
			if p.Kind == KindPlan && p.RefID == ref {
				return p.ForJourney(), true
			}
		}
		return journey.Plan{}, false
	}
	product := func(ref string) bool { return b.seen["product "+ref] }
	var own errs.Checks
	in.Settings.settings().Check(&own, in.ID, plan, product)
	b.Merge(path, &own)
	checkPlanOrder(b.Checks, path+"planOrder", b.links[in.ID], in.PlanOrder)
}

func (b *building) coupon(path string, in FileCoupon) {
	b.id(path, "coupon", in.ID)
	n := NewCoupon(in)
	before := len(b.whole.Coupons)
	var own errs.Checks
	n.check(&own, path)
	b.Merge("", &own)
	if !own.Failed() {
		b.whole.Coupons = append(b.whole.Coupons[:before:before], n.coupon(b.now))
	}
}

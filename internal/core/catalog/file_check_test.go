package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

// smallFile has one of everything.
func smallFile() File {
	price := func(amount string) *Pricing { return ptr(paid(flatFee(monthly(usd(amount))))) }
	return File{
		Format: 1,
		Features: []FileFeature{
			{ID: "calls", DisplayName: "Calls", Type: Number, MeterType: Incremental},
			{ID: "region", DisplayName: "Region", Type: Enum, EnumValues: []EnumValue{{"eu", "Europe"}, {"us", "America"}}},
			{ID: "sso", DisplayName: "SSO", Type: Boolean},
		},
		Groups:   []FileGroup{{ID: "access", DisplayName: "Access", Features: []string{"sso"}}},
		Products: []FileProduct{{ID: "app", DisplayName: "App"}, {ID: "other", DisplayName: "Other"}},
		Addons: []FilePackage{
			{ID: "more", ProductID: "app", FileContent: FileContent{DisplayName: "More", Charges: price("5"), MaxQuantity: ptr(int64(3))}},
			{ID: "much", ProductID: "app", FileContent: FileContent{DisplayName: "Much", Charges: price("9"), Dependencies: []string{"more"}}},
		},
		Plans: []FilePackage{
			{ID: "free", ProductID: "app", FileContent: FileContent{DisplayName: "Free", Charges: &Pricing{Type: Free}, Entitlements: []FileEntitlement{{ID: "calls", UsageLimit: ptr(int64(10))}}}},
			{ID: "pro", ProductID: "app", FileContent: FileContent{
				DisplayName: "Pro", ParentID: "free", Compatible: []string{"more", "much"}, Charges: price("49"), Trial: &FileTrial{Duration: 14, Units: "DAY"},
				Entitlements: []FileEntitlement{{ID: "calls", UsageLimit: ptr(int64(100))}, {ID: "sso", FeatureGroups: []string{"access"}}},
			}},
		},
		Coupons: []FileCoupon{{ID: "half", Name: "Half", PercentOff: ptr(money.FromInt(50))}},
	}
}

func TestFileCheck(t *testing.T) {
	t.Parallel()
	rule := func(paths ...string) refusal { return bad("InvalidArgumentError", paths...) }
	for _, tc := range []struct {
		name   string
		change func(*File)
		want   refusal
	}{
		{"good", func(*File) {}, refusal{}},
		{"empty", func(f *File) { *f = File{Format: 1} }, refusal{}},
		{"no version", func(f *File) { f.Format = 0 }, rule("formatVersion")},
		{"another version", func(f *File) { f.Format = 2 }, rule("formatVersion")},

		{"no id", func(f *File) { f.Coupons[0].ID = "" }, bad("BadUserInput", "coupons[0].id")},
		{"two features", func(f *File) { f.Features[1].ID, f.Features[1] = "sso", f.Features[2] }, bad("DuplicatedEntityNotAllowed", "features[2].id")},
		{"two groups", func(f *File) { f.Groups = append(f.Groups, f.Groups[0]) }, bad("DuplicatedEntityNotAllowed", "featureGroups[1].id")},
		{"two products", func(f *File) { f.Products[1].ID = "app" }, bad("DuplicatedEntityNotAllowed", "products[1].id")},
		{"two add-ons", func(f *File) { f.Addons = append(f.Addons, f.Addons[0]) }, bad("DuplicatedEntityNotAllowed", "addons[2].id")},
		{"two plans", func(f *File) { f.Plans = append(f.Plans, f.Plans[0]) }, bad("DuplicatedEntityNotAllowed", "plans[2].id")},
		{"two coupons", func(f *File) { f.Coupons = append(f.Coupons, f.Coupons[0]) }, bad("DuplicatedEntityNotAllowed", "coupons[1].id")},
		{"one id of two kinds", func(f *File) { f.Addons[1].ID = "pro"; f.Plans[1].Compatible[1] = "pro" }, refusal{}},

		{"a group of nothing", func(f *File) { f.Groups[0].Features = []string{"sso", "x"} }, bad("FeatureNotFound", "featureGroups[0].featureIds[1]")},
		{"no product", func(f *File) { f.Plans[1].ProductID, f.Plans[1].ParentID, f.Plans[1].Compatible = "x", "", nil }, bad("ProductNotFound", "plans[1].productId")},
		{"a plan of another product", func(f *File) { f.Plans[0].ProductID = "other" }, bad("PlanNotFound", "plans[1].parentPlanId")},
		{"an add-on of another product", func(f *File) { f.Addons[1].ProductID = "other"; f.Addons[1].Dependencies = nil }, bad("AddonNotFound", "plans[1].compatibleAddonIds[1]")},
		{"an unknown status", func(f *File) { f.Plans[1].Status = Archived }, bad("BadUserInput", "plans[1].status")},
		{"a draft beside a draft", func(f *File) { f.Plans[1].Status, f.Plans[1].Draft = Draft, &FileContent{DisplayName: "Pro"} }, rule("plans[1].draft")},
		{"a parent that is a draft", func(f *File) { f.Plans[0].Status = Draft }, bad("UnPublishedPackage", "plans[1].parentPlanId")},
		{"a draft of a draft", func(f *File) { f.Plans[0].Status, f.Plans[1].Status = Draft, Draft }, refusal{}},
		{"a circle", func(f *File) { f.Plans[0].ParentID = "pro" }, bad("PlansCircularDependencyError", "plans[0].parentPlanId", "plans[1].parentPlanId")},
		{
			"a circle through a draft", func(f *File) { f.Plans[0].Draft = &FileContent{DisplayName: "Free", ParentID: "pro"} },
			bad("PlansCircularDependencyError", "plans[0].draft.parentPlanId", "plans[1].parentPlanId"),
		},
		{"add-ons that need each other", func(f *File) { f.Addons[0].Dependencies = []string{"much"} }, rule("addons[0].dependencies[0]", "addons[1].dependencies[0]")},
		{"a custom add-on of a paid plan", func(f *File) { f.Addons[1].Charges = &Pricing{Type: Custom} }, rule("plans[1].compatibleAddonIds")},

		{"a plan with what add-ons have", func(f *File) { f.Plans[0].MaxQuantity, f.Plans[0].Dependencies = ptr(int64(1)), []string{"more"} }, rule("plans[0].dependencies", "plans[0].maxQuantity")},
		{
			"an add-on with what plans have", func(f *File) {
				c := &f.Addons[0].FileContent
				c.ParentID, c.Compatible, c.Trial = "free", []string{"much"}, &FileTrial{Duration: 1, Units: "DAY"}
			},
			rule("addons[0].compatibleAddonIds", "addons[0].defaultTrialConfig", "addons[0].parentPlanId"),
		},
		{"no pricing", func(f *File) { f.Plans[0].Charges = nil }, bad("PackagePricingTypeNotSet", "plans[0].charges.pricingType")},
		{"no pricing of a draft", func(f *File) { f.Plans[1].Charges, f.Plans[1].Status = nil, Draft }, refusal{}},
		{"no price of an add-on", func(f *File) { f.Addons[0].Charges = &Pricing{Type: Paid} }, bad("AddonHasToHavePriceError", "addons[0].charges.pricingModels")},
		{"no price of a plan", func(f *File) { f.Plans[1].Charges = &Pricing{Type: Paid} }, rule("plans[1].charges.pricingModels")},
		{"a trial of a free plan", func(f *File) { f.Plans[0].Trial = &FileTrial{Duration: 1, Units: "DAY"} }, rule("plans[0].defaultTrialConfig")},

		{"an unknown feature", func(f *File) { f.Plans[1].Entitlements[0].ID = "x" }, bad("FeatureNotFound", "plans[1].entitlements[0].id")},
		{"the same feature twice", func(f *File) { f.Plans[1].Entitlements[1] = FileEntitlement{ID: "calls", Unlimited: true} }, bad("DuplicatedEntityNotAllowed", "plans[1].entitlements[1].id")},
		{"an archived feature may stay", func(f *File) { f.Features[0].Archived = true }, refusal{}},
		{"credits of a feature's name", func(f *File) {
			f.Plans[1].Entitlements = append(f.Plans[1].Entitlements, FileEntitlement{ID: "sso", Type: CreditEntitlement, Cadence: "MONTH", Amount: ptr(money.FromInt(1))})
		}, refusal{}},
		{"credits that grow with nothing", func(f *File) {
			f.Plans[0].Entitlements = append(f.Plans[0].Entitlements, FileEntitlement{ID: "tokens", Type: CreditEntitlement, Cadence: "MONTH", Amount: ptr(money.FromInt(1)), DependencyFeature: "sso"})
		}, bad("EntitlementsMustBelongToSamePackage", "plans[0].entitlements[1].dependencyFeatureId")},
		{"a group without the feature", func(f *File) { f.Plans[1].Entitlements[0].FeatureGroups = []string{"access", "x"} }, bad("FeatureGroupNotFound", "plans[1].entitlements[0].featureGroupIds[0]", "plans[1].entitlements[0].featureGroupIds[1]")},
		{"an override of a plan", func(f *File) { f.Plans[1].Entitlements[0].Behavior = Override }, bad("CannotAddOverrideEntitlementToPlan", "plans[1].entitlements[0].behavior")},
		{"overage of what is included", func(f *File) { f.Plans[1].Charges.Overage = []OverageModel{over(monthly(usd("1")))} }, refusal{}},
		{"overage of nothing", func(f *File) {
			f.Plans[1].Charges.Overage = []OverageModel{over(monthly(usd("1")))}
			f.Plans[1].Entitlements = f.Plans[1].Entitlements[1:]
		}, rule("plans[1].charges.overagePricingModels[0].entitlement")},
		{"a price for what is not counted", func(f *File) {
			f.Plans[1].Charges.Models = append(f.Plans[1].Charges.Models, with(perUnit(monthly(usd("1"))), func(m *PricingModel) { m.FeatureID = "sso" }))
		}, bad("UnsupportedFeatureType", "plans[1].charges.pricingModels[1].featureId")},

		{"a journey", func(f *File) { f.Products[0].Settings = &FileJourney{StartSetup: "TRIAL_PERIOD", StartPlanID: "pro"} }, refusal{}},
		{"a journey to a paid plan", func(f *File) {
			f.Products[0].Settings = &FileJourney{EndSetup: "DOWNGRADE_TO_FREE", DowngradePlanID: "pro"}
		}, rule("products[0].productSettings.downgradePlanId")},
		{"a journey of another product", func(f *File) { f.Products[1].Settings = &FileJourney{StartSetup: "FREE_PLAN", StartPlanID: "free"} }, rule("products[1].productSettings.subscriptionStartPlanId")},
		{"an order of what is not there", func(f *File) { f.Products[0].PlanOrder = []string{"pro", "more"} }, bad("PlanNotFound", "products[0].planOrder[1]")},
		{"an unknown reset rule", func(f *File) { f.Products[0].UsageResetCutoff = &FileReset{"SOMETIMES"} }, bad("BadUserInput", "products[0].usageResetCutoffRule.behavior")},
		{"a bad coupon", func(f *File) { f.Coupons[0].PercentOff = ptr(money.FromInt(101)) }, rule("coupons[0].percentOff")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := smallFile()
			tc.change(&f)
			var c errs.Checks
			f.Check(&c)
			if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
				t.Errorf("%v: %s", c.Err(), d)
			}
		})
	}
}

// All that is wrong is named at once, and once.
func TestFileCheckNamesEverything(t *testing.T) {
	t.Parallel()
	f := smallFile()
	f.Format = 9
	f.Features[0].MeterType, f.Features[1].EnumValues[0].DisplayName = "SUM", ""
	f.Groups[0].DisplayName = ""
	f.Products[0].DisplayName = ""
	f.Addons[0].Charges.Models[0].Periods[0].Price = usd("-1")
	f.Addons[1].MaxQuantity = ptr(int64(0))
	f.Plans[0].Charges.Type = "GIFT"
	f.Plans[1].Trial.Units = "WEEK"
	f.Plans[1].Entitlements[1].UsageLimit = ptr(int64(1))
	f.Plans[1].HiddenFromWidgets = []string{"HOME"}
	f.Plans[1].Draft = &FileContent{ParentID: "nobody"}
	f.Coupons[0].Name = ""
	f.Coupons = append(f.Coupons, FileCoupon{ID: "a b", Name: "Off", PercentOff: ptr(money.FromInt(0))})
	want := bad("BadUserInput",
		"addons[0].charges.pricingModels[0].pricePeriods[0].price.amount", "addons[1].maxQuantity", "coupons[0].name", "coupons[1].id", "coupons[1].percentOff",
		"featureGroups[0].displayName", "features[0].meterType", "features[1].enumConfiguration[0].displayName", "formatVersion",
		"plans[0].charges.pricingType", "plans[1].defaultTrialConfig.units", "plans[1].draft.displayName", "plans[1].draft.parentPlanId",
		"plans[1].entitlements[1].usageLimit", "plans[1].hiddenFromWidgets", "products[0].displayName",
	)
	var c errs.Checks
	f.Check(&c)
	if d := cmp.Diff(want, refused(c.Err())); d != "" {
		t.Error(d)
	}
}

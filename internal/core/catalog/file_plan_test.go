package catalog

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

func TestPlanOfAFile(t *testing.T) {
	t.Parallel()
	draft := &FileContent{DisplayName: "Pro 2", Charges: &Pricing{Type: Custom}}
	for _, tc := range []struct {
		name          string
		before, after func(*File)
		want          []string
	}{
		{"nothing", nil, nil, []string{}},
		{"another name of a feature", nil, func(f *File) { f.Features[0].DisplayName = "API calls" }, []string{"update feature calls"}},
		{"a feature is no longer archived", func(f *File) { f.Features[0].Archived = true }, nil, []string{"update feature calls"}},
		{"other members of a group", nil, func(f *File) {
			f.Groups[0].Features = []string{"region"}
			f.Plans[1].Entitlements[1].FeatureGroups = nil
		}, []string{"update feature_group access", "publish plan pro"}},
		{"an order", nil, func(f *File) { f.Products[0].PlanOrder = []string{"pro"} }, []string{"update product app"}},
		{"another price", nil, func(f *File) { f.Plans[1].Charges.Models[0].Periods[0].Price = usd("59") }, []string{"publish plan pro"}},
		{"the same price written otherwise", nil, func(f *File) { f.Plans[1].Charges.Models[0].Periods[0].Price = in("", "49.00") }, []string{}},
		{"another limit", nil, func(f *File) { f.Plans[1].Entitlements[0].UsageLimit = ptr(int64(5)) }, []string{"publish plan pro"}},
		{"what needs no version", nil, func(f *File) { f.Plans[1].HiddenFromWidgets, f.Plans[1].BillingID = []string{Paywall}, ptr("x") }, []string{"update plan pro"}},
		{"both", nil, func(f *File) {
			f.Addons[0].Metadata, f.Addons[0].DisplayName = map[string]string{"a": "b"}, "Even more"
		}, []string{"update addon more", "publish addon more"}},
		{"a draft", nil, func(f *File) { f.Plans[1].Draft = draft }, []string{"draft plan pro"}},
		{"no draft", func(f *File) { f.Plans[1].Draft = draft }, nil, []string{"discard plan pro"}},
		{"another draft", func(f *File) { f.Plans[1].Draft = &FileContent{DisplayName: "Pro 3"} }, func(f *File) { f.Plans[1].Draft = draft }, []string{"draft plan pro"}},
		{"the draft is published", func(f *File) { f.Plans[1].Draft = draft }, func(f *File) { f.Plans[1].FileContent = *draft }, []string{"publish plan pro"}},
		{"one is published beside the draft", func(f *File) { f.Plans[1].Draft = draft }, func(f *File) { f.Plans[1].DisplayName, f.Plans[1].Draft = "Pro 1", draft }, []string{"publish plan pro", "draft plan pro"}},
		{"the first draft", func(f *File) { f.Plans[1].Status = Draft }, nil, []string{"publish plan pro"}},
		{"the first draft changes", func(f *File) { f.Plans[1].Status = Draft }, func(f *File) { f.Plans[1].Status, f.Plans[1].DisplayName = Draft, "Pro 1" }, []string{"draft plan pro"}},
		{"a plan less", nil, func(f *File) { f.Plans = f.Plans[:1] }, []string{"archive plan pro"}},
		{"an add-on less", nil, func(f *File) { f.Addons, f.Plans[1].Compatible = f.Addons[:1], []string{"more"} }, []string{"publish plan pro", "archive addon much"}},
		{"a product less", nil, func(f *File) { f.Products = f.Products[:1] }, []string{"archive product other"}},
		{"a coupon's name", nil, func(f *File) { f.Coupons[0].Name = "50 %" }, []string{"update coupon half"}},
		{"another coupon", nil, func(f *File) { f.Coupons[0].ID = "off" }, []string{"create coupon off", "archive coupon half"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before, after := smallFile(), smallFile()
			if tc.before != nil {
				tc.before(&before)
			}
			if tc.after != nil {
				tc.after(&after)
			}
			if d := cmp.Diff(tc.want, steps(t, after, built(t, before), built(t, after))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestStepsSayWhatChanges(t *testing.T) {
	t.Parallel()
	before, after := smallFile(), smallFile()
	after.Plans[1].Charges.Models[0].Periods[0].Price = usd("59")
	after.Coupons[0].Name = "50 %"
	want := map[string][]string{
		"The plan pro gets a new version in force.": {"* charges.FLAT_FEE.MONTHLY.price was 49 usd and becomes 59 usd."},
		"The coupon half is changed.":               {"* name was Half and becomes 50 %."},
	}
	got := map[string][]string{}
	var c errs.Checks
	for _, s := range plan(&c, after, built(t, before), built(t, after)) {
		got[s.Text] = texts(*s.Changes)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatIsArchivedIsBroughtBack(t *testing.T) {
	t.Parallel()
	f := smallFile()
	before := built(t, f)
	for i := range before.Features {
		before.Features[i].Status = FeatureSuspended
	}
	for i := range before.Groups {
		before.Groups[i].Status = Archived
	}
	for i := range before.Products {
		before.Products[i].Status = Archived
	}
	for i := range before.Packages {
		before.Packages[i].Status = Archived
	}
	for i := range before.Coupons {
		before.Coupons[i].Status = Archived
	}
	want := []string{
		"unarchive feature calls", "unarchive feature region", "unarchive feature sso", "unarchive feature_group access", "unarchive product app",
		"unarchive product other", "unarchive addon more", "unarchive addon much", "unarchive plan free", "unarchive plan pro",
	}
	f.Coupons = nil // those are not brought back
	if d := cmp.Diff(want, steps(t, f, before, built(t, f))); d != "" {
		t.Error(d)
	}
	// What is archived is not written down.
	if d := cmp.Diff(written(File{Format: 1}), written(before.Export())); d != "" {
		t.Error(d)
	}
}

func TestWhatNeverChanges(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*File)
		want   refusal
	}{
		{"a feature's type", func(f *File) { f.Features[2].Type = Number; f.Plans[1].Entitlements[1].UsageLimit = ptr(int64(1)) }, bad("InvalidArgumentError", "features[2].featureType")},
		{"a feature's scale", func(f *File) { f.Features[0].Scale = 2 }, bad("InvalidArgumentError", "features[0].scale")},
		{"a feature's meter", func(f *File) { f.Features[0].MeterType = Fluctuating }, bad("InvalidArgumentError", "features[0].meterType")},
		{"a package's product", func(f *File) {
			f.Addons[0].ProductID, f.Addons[1].Dependencies, f.Plans[1].Compatible = "other", nil, nil
		}, bad("InvalidArgumentError", "addons[0].productId")},
		{"what was published", func(f *File) { f.Plans[1].Status = Draft }, bad("InvalidArgumentError", "plans[1].status")},
		{"what a coupon takes off", func(f *File) { f.Coupons[0].PercentOff = ptr(money.FromInt(60)) }, bad("InvalidArgumentError", "coupons[0].percentOff")},
		{"how", func(f *File) { f.Coupons[0].PercentOff, f.Coupons[0].AmountsOff = nil, []money.Money{*usd("5")} }, bad("InvalidArgumentError", "coupons[0].amountsOff", "coupons[0].percentOff")},
		{"how long", func(f *File) { f.Coupons[0].DurationInMonths = ptr(int64(2)) }, bad("InvalidArgumentError", "coupons[0].durationInMonths")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before, after := smallFile(), smallFile()
			tc.change(&after)
			var c errs.Checks
			to := after.build(&c, time.Time{})
			if c.Failed() {
				t.Fatal(c.Err())
			}
			plan(&c, after, built(t, before), to)
			if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
				t.Error(d)
			}
		})
	}
}

// The default product that nobody has touched is in no file, and a file may take it.
func TestUntouchedDefaultProduct(t *testing.T) {
	t.Parallel()
	before := Whole{Products: []Product{{ID: "1", RefID: "app", DisplayName: "Default", Status: Published, IsDefault: true, Version: 1, UsageResetCutoff: AlwaysReset}}}
	if f := before.Export(); len(f.Products) > 0 {
		t.Errorf("export: %s", written(f))
	}
	f := File{Format: 1, Products: smallFile().Products[:1]}
	if d := cmp.Diff([]string{"update product app"}, steps(t, f, before, built(t, f))); d != "" {
		t.Error(d)
	}
	before.Products[0].Version = 2
	if f := before.Export(); len(f.Products) != 1 {
		t.Errorf("export of a touched one: %s", written(f))
	}
}

func TestWhatIsArchivedIsNotWrittenDown(t *testing.T) {
	t.Parallel()
	f := smallFile()
	f.Plans = append(f.Plans, FilePackage{ID: "team", ProductID: "app", FileContent: FileContent{DisplayName: "Team", Charges: &Pricing{Type: Custom}}})
	f.Products[0].PlanOrder = []string{"team", "pro"}
	w := built(t, f)
	for i := range w.Packages {
		if p := &w.Packages[i]; p.RefID == "much" || p.RefID == "team" {
			p.Status = Archived
		}
	}
	for i := range w.Features {
		w.Features[i].Status = FeatureSuspended // what uses them keeps them
	}
	want := smallFile()
	want.Products[0].PlanOrder = []string{"pro"}
	want.Addons, want.Plans[1].Compatible = want.Addons[:1], []string{"more"}
	want.Features = []FileFeature{want.Features[0], want.Features[2]}
	want.Features[0].Archived, want.Features[1].Archived = true, true
	if d := cmp.Diff(written(want), written(w.Export())); d != "" {
		t.Errorf("export (-want +got):\n%s", d)
	}
	again := w.Export()
	if d := cmp.Diff(written(again), written(built(t, again).Export())); d != "" {
		t.Errorf("exported again:\n%s", d)
	}
}

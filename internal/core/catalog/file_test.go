package catalog

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

// built makes the catalog of a good file.
func built(t interface{ Fatal(...any) }, f File) Whole {
	var c errs.Checks
	w := f.build(&c, time.Unix(1, 0))
	if c.Failed() {
		t.Fatal(c.Err())
	}
	return w
}

func TestFileIsExportedAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFile().Draw(t, "file")
		once := built(t, f).Export()
		if d := cmp.Diff(written(f), written(once)); d != "" {
			t.Fatalf("export (-file +exported):\n%s", d)
		}
		if f.Print() != once.Print() {
			t.Fatal("the fingerprint is another")
		}
	})
}

// What is written otherwise becomes the same catalog.
func TestFileIsNormalised(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFile().Draw(t, "file")
		want := written(f)
		f.Schema, f.Fingerprint = "https://example.com", "x"
		for _, list := range []*[]FilePackage{&f.Addons, &f.Plans} {
			*list = rapid.Permutation(*list).Draw(t, "packages")
			for i := range *list {
				loosen(t, &(*list)[i])
			}
		}
		f.Features = rapid.Permutation(f.Features).Draw(t, "features")
		for i := range f.Features {
			if f.Features[i].MeterType == "" {
				f.Features[i].MeterType = NoMeter
			}
		}
		f.Products = rapid.Permutation(f.Products).Draw(t, "products")
		for i := range f.Products {
			if f.Products[i].Settings == nil {
				f.Products[i].Settings = &FileJourney{StartSetup: "PLAN_SELECTION", EndSetup: "CANCEL_SUBSCRIPTION"}
			}
		}
		f.Coupons = rapid.Permutation(f.Coupons).Draw(t, "coupons")
		for i := range f.Coupons {
			slices.Reverse(f.Coupons[i].AmountsOff)
		}
		once := built(t, f).Export()
		if d := cmp.Diff(want, written(once)); d != "" {
			t.Fatalf("export (-normal +exported):\n%s", d)
		}
		if d := cmp.Diff(written(once), written(built(t, once).Export())); d != "" {
			t.Fatalf("exported twice:\n%s", d)
		}
	})
}

// loosen writes a package down in another way.
func loosen(t *rapid.T, p *FilePackage) {
	if p.Status == "" {
		p.Status = Published
	}
	p.HiddenFromWidgets = append(p.HiddenFromWidgets, p.HiddenFromWidgets...)
	for _, c := range []*FileContent{&p.FileContent, p.Draft} {
		if c == nil {
			continue
		}
		c.Compatible, c.Dependencies = rapid.Permutation(c.Compatible).Draw(t, "compatible"), rapid.Permutation(c.Dependencies).Draw(t, "needs")
		c.Entitlements = rapid.Permutation(c.Entitlements).Draw(t, "entitlements")
		for i := range c.Entitlements {
			if e := &c.Entitlements[i]; e.Type == "" {
				e.Type = FeatureEntitlement
			}
		}
		if c.Charges == nil {
			continue
		}
		c.Charges.Models = rapid.Permutation(c.Charges.Models).Draw(t, "models")
		for i := range c.Charges.Models {
			m := &c.Charges.Models[i]
			m.Periods = rapid.Permutation(m.Periods).Draw(t, "periods")
			if m.BillingCadence == "" {
				m.BillingCadence = Recurring
			}
			for _, price := range m.Periods {
				if price.Price != nil && price.Price.Currency == money.USD {
					price.Price.Currency = ""
				}
			}
		}
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	file := func() File {
		return File{Format: 1, Features: []FileFeature{{ID: "a", DisplayName: "A", Type: Boolean, Metadata: map[string]string{"x": "1", "y": "2"}}}}
	}
	base := file()
	want := base.Print()
	if len(want) != 32 || file().Print() != want {
		t.Errorf("fingerprints %s and %s", want, file().Print())
	}
	base.Schema, base.Fingerprint = "https://example.com", "anything"
	if base.Print() != want {
		t.Error("the schema or the fingerprint counts")
	}
	if base.Fingerprint != "anything" {
		t.Error("the file was changed")
	}
	for name, change := range map[string]func(*File){
		"a name":    func(f *File) { f.Features[0].DisplayName = "B" },
		"metadata":  func(f *File) { f.Features[0].Metadata["x"] = "2" },
		"a feature": func(f *File) { f.Features = append(f.Features, FileFeature{ID: "b"}) },
		"a coupon":  func(f *File) { f.Coupons = []FileCoupon{{ID: "c"}} },
	} {
		other := file()
		if change(&other); other.Print() == want {
			t.Errorf("%s does not count", name)
		}
	}
}

// steps are what plan does, as "create plan pro".
func steps(t interface{ Fatal(...any) }, file File, before, after Whole) []string {
	var c errs.Checks
	after.adopt(before)
	list := []string{}
	for _, s := range plan(&c, file, before, after) {
		list = append(list, s.Action+" "+s.Entity.String())
	}
	if c.Failed() {
		t.Fatal(c.Err())
	}
	return list
}

func TestTheSameFileNeedsNoSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFile().Draw(t, "file")
		if got := steps(t, f, built(t, f), built(t, f)); len(got) > 0 {
			t.Fatalf("steps: %v", got)
		}
	})
}

func TestPlanFromAndToNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyFile().Draw(t, "file")
		nothing := File{Format: 1}
		var created, archived []string
		all := func(action string, archivedToo bool) (list []string) {
			for _, e := range f.Features {
				if archivedToo || !e.Archived {
					list = append(list, action+" feature "+e.ID)
				}
			}
			for _, e := range f.Groups {
				list = append(list, action+" feature_group "+e.ID)
			}
			for _, e := range f.Products {
				list = append(list, action+" product "+e.ID)
			}
			for _, e := range f.Addons {
				list = append(list, action+" addon "+e.ID)
			}
			for _, e := range f.Plans {
				list = append(list, action+" plan "+e.ID)
			}
			for _, e := range f.Coupons {
				list = append(list, action+" coupon "+e.ID)
			}
			slices.Sort(list)
			return list
		}
		created = steps(t, f, Whole{}, built(t, f))
		archived = steps(t, nothing, built(t, f), Whole{})
		slices.Sort(created)
		slices.Sort(archived)
		if d := cmp.Diff(all(ActionCreate, true), created); d != "" {
			t.Fatalf("from nothing:\n%s", d)
		}
		if d := cmp.Diff(all(ActionArchive, false), archived); d != "" {
			t.Fatalf("to nothing:\n%s", d)
		}
	})
}

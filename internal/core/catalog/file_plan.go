package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/purserhq/purser/internal/base/errs"
)

// What a step does.
const (
	ActionCreate    = "create"
	ActionUpdate    = "update"
	ActionPublish   = "publish"
	ActionDraft     = "draft"
	ActionDiscard   = "discard"
	ActionArchive   = "archive"
	ActionUnarchive = "unarchive"
)

// Step is one thing that applying a file does.
type Step struct {
	Action  string     `json:"action" enum:"create,update,publish,draft,discard,archive,unarchive"`
	Entity  StepEntity `json:"entity"`
	Text    string     `json:"text"`
	Changes *Changes   `json:"changes,omitempty"`

	do func(*applying) error
}

// StepEntity names what a step is about.
type StepEntity struct {
	Type string `json:"type" enum:"feature,feature_group,product,addon,plan,coupon"`
	ID   string `json:"id"`
}

func (e StepEntity) String() string { return e.Type + " " + e.ID }

// planning compares what is there with what is to be. Both are exports of the same form.
type planning struct {
	*errs.Checks  // what cannot be changed
	before, after Whole
	have, want    File
	paths         map[StepEntity]string // where things stand in the file as it was written
	steps         []Step
}

// plan lists the steps that lead from what is there to what a file wants, in an order in which they can be done. What
// cannot be changed is recorded.
func plan(c *errs.Checks, file File, before, after Whole) []Step {
	p := planning{Checks: c, before: before, after: after, have: before.Export(), want: after.Export(), paths: file.paths()}
	p.features()
	p.groups()
	p.products()
	p.packages(KindAddon)
	p.packages(KindPlan)
	p.coupons()
	p.missing()
	return p.steps
}

func (p *planning) add(action, typ, id string, changes *Changes, do func(*applying) error) {
	done := map[string]string{
		ActionCreate: "is created", ActionUpdate: "is changed", ActionPublish: "gets a new version in force", ActionDraft: "gets a draft",
		ActionDiscard: "loses its draft", ActionArchive: "is archived", ActionUnarchive: "is brought back",
	}[action]
	p.steps = append(p.steps, Step{action, StepEntity{typ, id}, fmt.Sprintf("The %s %s %s.", typeWord(typ), id, done), changes, do})
}

func typeWord(typ string) string {
	switch typ {
	case "addon":
		return "add-on"
	case "feature_group":
		return "feature group"
	}
	return typ
}

// paths says where everything stands.
func (f File) paths() map[StepEntity]string {
	m := map[StepEntity]string{}
	for i, e := range f.Features {
		m[StepEntity{"feature", e.ID}] = fmt.Sprintf("features[%d].", i)
	}
	for i, e := range f.Products {
		m[StepEntity{"product", e.ID}] = fmt.Sprintf("products[%d].", i)
	}
	for i, e := range f.Addons {
		m[StepEntity{"addon", e.ID}] = fmt.Sprintf("addons[%d].", i)
	}
	for i, e := range f.Plans {
		m[StepEntity{"plan", e.ID}] = fmt.Sprintf("plans[%d].", i)
	}
	for i, e := range f.Coupons {
		m[StepEntity{"coupon", e.ID}] = fmt.Sprintf("coupons[%d].", i)
	}
	return m
}

// fixed records a member that cannot change any more.
func (p *planning) fixed(typ, ref, member string, changed bool, why string) {
	if changed {
		p.Rule(p.paths[StepEntity{typ, ref}]+member, "cannot change: %s", why)
	}
}

// same compares two entities of a file as they are written.
func same(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// find returns the entity with an id, or nil.
func find[T any](list []T, id func(*T) string, ref string) *T {
	for i := range list {
		if id(&list[i]) == ref {
			return &list[i]
		}
	}
	return nil
}

// index finds entities by id.
func index[T any](list []T, id func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for i := range list {
		m[id(&list[i])] = &list[i]
	}
	return m
}

// differ compares two entities of a file.
func differ(before, after any) *Changes {
	flat := func(v any) (list []item) {
		m, _ := decode(v).(map[string]any)
		for _, name := range names(m, nil) {
			list = append(list, item{name, m[name]})
		}
		return list
	}
	c := compareItems(flat(before), flat(after))
	return &c
}

func (p *planning) features() {
	have, old := index(p.have.Features, func(f *FileFeature) string { return f.ID }), index(p.before.Features, func(f *Feature) string { return f.RefID })
	for i := range p.want.Features {
		want := &p.want.Features[i]
		to := find(p.after.Features, func(f *Feature) string { return f.RefID }, want.ID)
		was := old[want.ID]
		if was != nil {
			const why = "it was fixed when the feature was made"
			p.fixed("feature", want.ID, "featureType", was.Type != to.Type, why)
			p.fixed("feature", want.ID, "meterType", was.MeterType != to.MeterType, why)
		}
		switch {
		case was == nil:
			p.add(ActionCreate, "feature", want.ID, nil, func(a *applying) error { a.insertFeature(*to); return nil })
		case have[want.ID] == nil:
			p.add(ActionUnarchive, "feature", want.ID, nil, func(a *applying) error { return a.updateFeature(was, *to, FeatureUnarchived) })
		case !same(have[want.ID], want):
			p.add(ActionUpdate, "feature", want.ID, differ(have[want.ID], want), func(a *applying) error { return a.updateFeature(was, *to, FeatureUpdated) })
		}
	}
}

func (p *planning) groups() {
	have, old := index(p.have.Groups, func(g *FileGroup) string { return g.ID }), index(p.before.Groups, func(g *FeatureGroup) string { return g.RefID })
	for i := range p.want.Groups {
		want := &p.want.Groups[i]
		to := find(p.after.Groups, func(g *FeatureGroup) string { return g.RefID }, want.ID)
		was := old[want.ID]
		switch {
		case was == nil:
			p.add(ActionCreate, "feature_group", want.ID, nil, func(a *applying) error { a.insertGroup(*to); return nil })
		case have[want.ID] == nil:
			p.add(ActionUnarchive, "feature_group", want.ID, nil, func(a *applying) error { return a.updateGroup(*was, *to, GroupUnarchived) })
		case !same(have[want.ID], want):
			p.add(ActionUpdate, "feature_group", want.ID, differ(have[want.ID], want), func(a *applying) error { return a.updateGroup(*was, *to, GroupUpdated) })
		}
	}
}

func (p *planning) products() {
	have, old := index(p.have.Products, func(f *FileProduct) string { return f.ID }), index(p.before.Products, func(f *Product) string { return f.RefID })
	for i := range p.want.Products {
		want := &p.want.Products[i]
		to := find(p.after.Products, func(f *Product) string { return f.RefID }, want.ID)
		was := old[want.ID]
		switch {
		case was == nil:
			p.add(ActionCreate, "product", want.ID, nil, func(a *applying) error { a.insertProduct(*to); return nil })
		case have[want.ID] == nil && was.Status != Archived: // the untouched default product
			p.add(ActionUpdate, "product", want.ID, nil, func(a *applying) error { return a.updateProduct(*was, *to, ProductUpdated) })
		case have[want.ID] == nil:
			p.add(ActionUnarchive, "product", want.ID, nil, func(a *applying) error { return a.updateProduct(*was, *to, ProductUnarchived) })
		case !same(have[want.ID], want):
			p.add(ActionUpdate, "product", want.ID, differ(have[want.ID], want), func(a *applying) error { return a.updateProduct(*was, *to, ProductUpdated) })
		}
	}
}

// files are the packages of one kind in a file.
func (f *File) packages(kind Kind) []FilePackage {
	if kind == KindAddon {
		return f.Addons
	}
	return f.Plans
}

func ofKind(list []Package, kind Kind) map[string]*Package {
	m := map[string]*Package{}
	for i := range list {
		if list[i].Kind == kind {
			m[list[i].RefID] = &list[i]
		}
	}
	return m
}

func (p *planning) packages(kind Kind) {
	have := index(p.have.packages(kind), func(f *FilePackage) string { return f.ID })
	old, now := ofKind(p.before.Packages, kind), ofKind(p.after.Packages, kind)
	list := p.want.packages(kind)
	for i := range list {
		want := &list[i]
		was, to := old[want.ID], now[want.ID]
		if was == nil {
			p.add(ActionCreate, kind.Noun(), want.ID, nil, func(a *applying) error { a.insertPackage(*to); return nil })
			continue
		}
		p.fixed(kind.Noun(), want.ID, "productId", was.ProductRefID != want.ProductID, "a "+kind.Word()+" never moves to another product")
		p.fixed(kind.Noun(), want.ID, "status", want.Status == Draft && was.Latest != nil, "what was published cannot become a draft again; leave it out to archive it")
		p.existing(was, to, have[want.ID], want)
	}
}

// existing plans what becomes of a package that is there. Without have it is archived.
func (p *planning) existing(was, to *Package, have, want *FilePackage) {
	typ, ref := was.Kind.Noun(), was.RefID
	if have == nil {
		p.add(ActionUnarchive, typ, ref, nil, func(a *applying) error { a.unarchive(was); return nil })
		shown := p.want.exporting().pkg(was)
		have = &shown
	}
	if c := detailsOf(have, want); !c.Empty() {
		p.add(ActionUpdate, typ, ref, c, func(a *applying) error { a.details(was, to); return nil })
	}
	haveDraft, wantDraft := draftOf(have), draftOf(want)
	if content := contentOf(want); content != nil && !same(contentOf(have), content) {
		c := Compare(was.Latest, to.Latest)
		p.add(ActionPublish, typ, ref, &c, func(a *applying) error { a.publishVersion(was, *to.Latest); return nil })
		haveDraft = nil // publishing takes its place
	}
	switch {
	case same(haveDraft, wantDraft):
	case wantDraft == nil:
		p.add(ActionDiscard, typ, ref, nil, func(a *applying) error { a.discard(was); return nil })
	default:
		c := Compare(was.Edited(), to.Draft)
		p.add(ActionDraft, typ, ref, &c, func(a *applying) error { a.putDraft(was, *to.Draft); return nil })
	}
}

// exporting is what decides about references to things that are not in the file.
func (f *File) exporting() exporting {
	x := exporting{products: map[string]bool{}, addons: ids(f.Addons), plans: ids(f.Plans), features: map[string]bool{}}
	for i := range f.Products {
		x.products[f.Products[i].ID] = true
	}
	return x
}

func ids(list []FilePackage) map[string]bool {
	m := map[string]bool{}
	for i := range list {
		m[list[i].ID] = true
	}
	return m
}

// draftOf is the content of a package's draft; nil without one.
func draftOf(f *FilePackage) *FileContent {
	if f.Status == Draft {
		return &f.FileContent
	}
	return f.Draft
}

// contentOf is the content of the published version; nil without one.
func contentOf(f *FilePackage) *FileContent {
	if f.Status == Draft {
		return nil
	}
	return &f.FileContent
}

// detailsOf compares what needs no version.
func detailsOf(have, want *FilePackage) *Changes {
	strip := func(f *FilePackage) any {
		return struct {
			BillingID *string           `json:"billingId,omitempty"`
			Hidden    []string          `json:"hiddenFromWidgets,omitempty"`
			Metadata  map[string]string `json:"metadata,omitempty"`
		}{f.BillingID, f.HiddenFromWidgets, f.Metadata}
	}
	return differ(strip(have), strip(want))
}

func (p *planning) coupons() {
	have, old := index(p.have.Coupons, func(f *FileCoupon) string { return f.ID }), index(p.before.Coupons, func(f *Coupon) string { return f.RefID })
	for i := range p.want.Coupons {
		want := &p.want.Coupons[i]
		to := find(p.after.Coupons, func(f *Coupon) string { return f.RefID }, want.ID)
		was := old[want.ID]
		switch {
		case was == nil:
			p.add(ActionCreate, "coupon", want.ID, nil, func(a *applying) error { a.insertCoupon(*to); return nil })
		case have[want.ID] == nil || !same(have[want.ID], want):
			var c *Changes
			if h := have[want.ID]; h != nil {
				c = differ(h, want)
			}
			const why = "what a coupon takes off never changes"
			now := was.file()
			p.fixed("coupon", want.ID, "percentOff", !same(now.PercentOff, want.PercentOff), why)
			p.fixed("coupon", want.ID, "amountsOff", !same(now.AmountsOff, want.AmountsOff), why)
			p.fixed("coupon", want.ID, "durationInMonths", !same(now.DurationInMonths, want.DurationInMonths), why)
			p.add(ActionUpdate, "coupon", want.ID, c, func(a *applying) error { return a.updateCoupon(*was, *to) })
		}
	}
}

// missing archives what the file does not have, children before their parents.
func (p *planning) missing() {
	for _, kind := range []Kind{KindPlan, KindAddon} {
		want := ids(p.want.packages(kind))
		old := ofKind(p.before.Packages, kind)
		for i := range p.have.packages(kind) {
			if f := &p.have.packages(kind)[i]; !want[f.ID] {
				p.add(ActionArchive, kind.Noun(), f.ID, nil, func(a *applying) error { a.archive(old[f.ID]); return nil })
			}
		}
	}
	wantProducts, products := p.want.exporting().products, index(p.before.Products, func(f *Product) string { return f.RefID })
	for i := range p.have.Products {
		if f := &p.have.Products[i]; !wantProducts[f.ID] {
			p.add(ActionArchive, "product", f.ID, nil, func(a *applying) error { a.archiveProduct(products[f.ID]); return nil })
		}
	}
	wantGroups := index(p.want.Groups, func(g *FileGroup) string { return g.ID })
	for i := range p.have.Groups {
		if g := find(p.before.Groups, func(g *FeatureGroup) string { return g.RefID }, p.have.Groups[i].ID); wantGroups[g.RefID] == nil {
			p.add(ActionArchive, "feature_group", g.RefID, nil, func(a *applying) error {
				g.Status = Archived
				g.saveAs(GroupDeleted, a.st, a.env, a.now)
				return nil
			})
		}
	}
	wantFeatures := index(p.want.Features, func(g *FileFeature) string { return g.ID })
	for i := range p.have.Features {
		if p.have.Features[i].Archived {
			continue
		}
		if f := find(p.before.Features, func(f *Feature) string { return f.RefID }, p.have.Features[i].ID); wantFeatures[f.RefID] == nil {
			p.add(ActionArchive, "feature", f.RefID, nil, func(a *applying) error {
				f.Status = FeatureSuspended
				f.saveAs(FeatureDeleted, a.st, a.env, a.now)
				return nil
			})
		}
	}
	wantCoupons := index(p.want.Coupons, func(g *FileCoupon) string { return g.ID })
	for i := range p.have.Coupons {
		if c := find(p.before.Coupons, func(c *Coupon) string { return c.RefID }, p.have.Coupons[i].ID); wantCoupons[c.RefID] == nil {
			p.add(ActionArchive, "coupon", c.RefID, nil, func(a *applying) error {
				c.Status = Archived
				c.saveAs(CouponArchived, a.st, a.env, a.now)
				return nil
			})
		}
	}
}

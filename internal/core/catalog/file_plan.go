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
	features, groups, products, coupons := p.features(), p.groups(), p.products(), p.coupons()
	features.plan(&p)
	groups.plan(&p)
	products.plan(&p)
	p.packages(KindAddon)
	p.packages(KindPlan)
	coupons.plan(&p)
	p.missing(KindPlan)
	p.missing(KindAddon)
	products.missing(&p)
	groups.missing(&p)
	features.missing(&p)
	coupons.missing(&p)
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
	for i, e := range f.Groups {
		m[StepEntity{"feature_group", e.ID}] = fmt.Sprintf("featureGroups[%d].", i)
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

// simple plans the entities of one kind that have no versions. F is their form in a file.
type simple[F, E any] struct {
	typ           string
	have, want    []F
	before, after []E
	ref           func(*F) string
	of            func(*E) string
	archived      func(*E) bool
	fixed         func(was, to *E, want *F) // records what cannot change
	insert        func(*applying, E)
	update        func(a *applying, was *E, to E, unarchived bool) error
	archive       func(*applying, *E)
}

// plan adds the steps for what the file has. One that is there and not exported is archived, or was never touched.
func (k simple[F, E]) plan(p *planning) {
	have, before, after := index(k.have, k.ref), index(k.before, k.of), index(k.after, k.of)
	for i := range k.want {
		want := &k.want[i]
		ref := k.ref(want)
		was, to := before[ref], after[ref]
		if was == nil {
			p.add(ActionCreate, k.typ, ref, nil, func(a *applying) error { k.insert(a, *to); return nil })
			continue
		}
		if k.fixed != nil {
			k.fixed(was, to, want)
		}
		unarchived := k.archived(was)
		update := func(a *applying) error { return k.update(a, was, *to, unarchived) }
		switch known := have[ref]; {
		case unarchived && known == nil:
			p.add(ActionUnarchive, k.typ, ref, nil, update)
		case known == nil:
			p.add(ActionUpdate, k.typ, ref, nil, update)
		case !same(known, want):
			p.add(ActionUpdate, k.typ, ref, differ(known, want), update)
		}
	}
}

// missing adds the steps for what the file does not have.
func (k simple[F, E]) missing(p *planning) {
	want, before := index(k.want, k.ref), index(k.before, k.of)
	for i := range k.have {
		ref := k.ref(&k.have[i])
		if was := before[ref]; want[ref] == nil && !k.archived(was) {
			p.add(ActionArchive, k.typ, ref, nil, func(a *applying) error { k.archive(a, was); return nil })
		}
	}
}

func (p *planning) features() simple[FileFeature, Feature] {
	return simple[FileFeature, Feature]{
		typ: "feature", have: p.have.Features, want: p.want.Features, before: p.before.Features, after: p.after.Features,
		ref: func(f *FileFeature) string { return f.ID }, of: func(f *Feature) string { return f.RefID },
		archived: func(f *Feature) bool { return f.Status == FeatureSuspended },
		fixed: func(was, to *Feature, _ *FileFeature) {
			const why = "it was fixed when the feature was made"
			p.fixed("feature", was.RefID, "featureType", was.Type != to.Type, why)
			p.fixed("feature", was.RefID, "meterType", was.MeterType != to.MeterType, why)
			p.fixed("feature", was.RefID, "scale", was.Scale != to.Scale, why)
		},
		insert: (*applying).insertFeature, update: (*applying).updateFeature, archive: (*applying).archiveFeature,
	}
}

func (p *planning) groups() simple[FileGroup, FeatureGroup] {
	return simple[FileGroup, FeatureGroup]{
		typ: "feature_group", have: p.have.Groups, want: p.want.Groups, before: p.before.Groups, after: p.after.Groups,
		ref: func(g *FileGroup) string { return g.ID }, of: func(g *FeatureGroup) string { return g.RefID },
		archived: func(g *FeatureGroup) bool { return g.Status == Archived },
		insert:   (*applying).insertGroup, update: (*applying).updateGroup, archive: (*applying).archiveGroup,
	}
}

func (p *planning) products() simple[FileProduct, Product] {
	return simple[FileProduct, Product]{
		typ: "product", have: p.have.Products, want: p.want.Products, before: p.before.Products, after: p.after.Products,
		ref: func(f *FileProduct) string { return f.ID }, of: func(e *Product) string { return e.RefID },
		archived: func(e *Product) bool { return e.Status == Archived },
		insert:   (*applying).insertProduct, update: (*applying).updateProduct, archive: (*applying).archiveProduct,
	}
}

func (p *planning) coupons() simple[FileCoupon, Coupon] {
	return simple[FileCoupon, Coupon]{
		typ: "coupon", have: p.have.Coupons, want: p.want.Coupons, before: p.before.Coupons, after: p.after.Coupons,
		ref: func(f *FileCoupon) string { return f.ID }, of: func(e *Coupon) string { return e.RefID },
		archived: func(e *Coupon) bool { return e.Status == Archived },
		fixed: func(was, _ *Coupon, want *FileCoupon) {
			const why = "what a coupon takes off never changes"
			now := was.file()
			if was.Status == Archived {
				p.Rule(p.paths[StepEntity{"coupon", want.ID}]+"id", "is that of an archived coupon: those are not brought back. Give the coupon another id")
			}
			p.fixed("coupon", want.ID, "percentOff", !same(now.PercentOff, want.PercentOff), why)
			p.fixed("coupon", want.ID, "amountsOff", !same(now.AmountsOff, want.AmountsOff), why)
			p.fixed("coupon", want.ID, "durationInMonths", !same(now.DurationInMonths, want.DurationInMonths), why)
		},
		insert: (*applying).insertCoupon, update: (*applying).updateCoupon, archive: (*applying).archiveCoupon,
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
	x := exporting{products: map[string]bool{}, addons: ids(f.Addons), plans: ids(f.Plans), features: map[string]bool{}, groups: map[string][]string{}}
	for i := range f.Products {
		x.products[f.Products[i].ID] = true
	}
	for i := range f.Groups {
		x.groups[f.Groups[i].ID] = f.Groups[i].Features
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

// missing archives the packages that the file does not have.
func (p *planning) missing(kind Kind) {
	want, old := ids(p.want.packages(kind)), ofKind(p.before.Packages, kind)
	list := p.have.packages(kind)
	for i := range list {
		if f := &list[i]; !want[f.ID] {
			p.add(ActionArchive, kind.Noun(), f.ID, nil, func(a *applying) error { a.archive(old[f.ID]); return nil })
		}
	}
}

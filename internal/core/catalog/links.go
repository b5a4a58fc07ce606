package catalog

import (
	"fmt"
	"slices"

	"github.com/purserhq/purser/internal/base/errs"
)

// Link is what one version of a package says about other packages of its product.
type Link struct {
	Kind         Kind
	RefID        string
	Status       string // of the package
	Draft        bool   // of the version
	PricingType  string
	ParentID     string
	Compatible   []string
	Dependencies []string
}

// Links are all versions in force and all drafts of one product.
type Links []Link

// status is that of a package; "" when there is none.
func (l Links) status(kind Kind, ref string) string {
	for i := range l {
		if l[i].Kind == kind && l[i].RefID == ref {
			return l[i].Status
		}
	}
	return ""
}

// children are the plans that inherit from a plan, in force or as drafts, without archived ones.
func (l Links) children(ref string) (list []string) {
	for i := range l {
		if l[i].ParentID == ref && l[i].Status != Archived && !slices.Contains(list, l[i].RefID) {
			list = append(list, l[i].RefID)
		}
	}
	return list
}

// ordinary are the plans that are not custom and have a published version which goes with an add-on.
func (l Links) ordinary(addon string) (list []string) {
	for i := range l {
		if k := &l[i]; k.Kind == KindPlan && !k.Draft && k.Status != Archived && k.PricingType != Custom && slices.Contains(k.Compatible, addon) {
			list = append(list, k.RefID)
		}
	}
	return list
}

// reaches reports whether next leads from one package to another, over versions of any package but the first.
func (l Links) reaches(from []string, to string, next func(*Link) []string) bool {
	seen := map[string]bool{}
	for len(from) > 0 {
		ref := from[0]
		from = from[1:]
		if ref == to {
			return true
		}
		if seen[ref] {
			continue
		}
		seen[ref] = true
		for i := range l {
			if l[i].RefID == ref {
				from = append(from, next(&l[i])...)
			}
		}
	}
	return false
}

func parentOf(l *Link) []string {
	if l.ParentID == "" {
		return nil
	}
	return []string{l.ParentID}
}

func dependenciesOf(l *Link) []string { return l.Dependencies }

// of keeps the links of one kind: plans and add-ons may share an id.
func (l Links) of(kind Kind) Links {
	return slices.DeleteFunc(slices.Clone(l), func(k Link) bool { return k.Kind != kind })
}

// linkPaths says where a version's links stand in a request.
type linkPaths struct{ parent, compatible, dependencies string }

// check records what is wrong with the links of a version of the package self; before has those that may stay.
func (l Links) check(c *errs.Checks, at linkPaths, self string, v, before *Version) {
	if v.ParentID != "" && v.ParentID != before.ParentID {
		l.checkParent(c, at.parent, self, v.ParentID)
	}
	for i, ref := range v.Compatible {
		if !slices.Contains(before.Compatible, ref) {
			l.checkAddon(c, fmt.Sprintf("%s[%d]", at.compatible, i), ref)
		}
	}
	for i, ref := range v.Dependencies {
		if slices.Contains(before.Dependencies, ref) {
			continue
		}
		path := fmt.Sprintf("%s[%d]", at.dependencies, i)
		l.checkAddon(c, path, ref)
		if ref == self || l.of(KindAddon).reaches([]string{ref}, self, dependenciesOf) {
			c.Rule(path, "%s and %s would need each other", self, ref)
		}
	}
}

func (l Links) checkParent(c *errs.Checks, path, self, parent string) {
	switch l.status(KindPlan, parent) {
	case "":
		c.Named(ErrPlanNotFound, path, "the product has no plan %s", parent)
		return
	case Archived:
		c.Rule(path, "the plan %s is archived", parent)
	}
	if parent == self || l.of(KindPlan).reaches([]string{parent}, self, parentOf) {
		c.Named(ErrCircular, path, "%s inherits from %s already, so it cannot be its parent", parent, self)
	}
}

func (l Links) checkAddon(c *errs.Checks, path, ref string) {
	switch l.status(KindAddon, ref) {
	case "":
		c.Named(ErrAddonNotFound, path, "the product has no add-on %s", ref)
	case Archived:
		c.Rule(path, "the add-on %s is archived", ref)
	}
}

// checkLinks checks the links of the edited version that an update changes.
func (e *edit) checkLinks(c *errs.Checks, in PackageUpdate) error {
	if !in.changesLinks() {
		return nil
	}
	links, err := e.st.LinksOfProduct(e.ctx, e.env, e.product.ID)
	if err != nil {
		return err
	}
	before := &Version{}
	for _, l := range links {
		if l.Kind == e.pkg.Kind && l.RefID == e.pkg.RefID && l.Draft {
			before = &Version{ParentID: l.ParentID, Compatible: l.Compatible, Dependencies: l.Dependencies}
		}
	}
	v := e.pkg.Draft
	links.check(c, linkPaths{"parentPlanId", "compatibleAddonIds", "dependencies"}, e.pkg.RefID, v, before)
	v.Compatible, v.Dependencies = distinct(v.Compatible), distinct(v.Dependencies)
	return nil
}

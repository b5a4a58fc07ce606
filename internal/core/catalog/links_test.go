package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
)

// planLink and addonLink are versions in force; with makes drafts of them.
func planLink(ref, parent string) Link {
	return Link{Kind: KindPlan, RefID: ref, Status: Published, ParentID: parent}
}

func addonLink(ref string, needs ...string) Link {
	return Link{Kind: KindAddon, RefID: ref, Status: Published, Dependencies: needs}
}

func asDraft(l *Link)    { l.Draft = true }
func isArchived(l *Link) { l.Status = Archived }

func TestLinksCheck(t *testing.T) {
	t.Parallel()
	links := Links{
		planLink("free", ""), planLink("pro", "free"), with(planLink("pro", "old"), asDraft), planLink("team", "pro"),
		with(planLink("team", "pro"), asDraft), with(planLink("new", "draft"), asDraft), with(planLink("draft", "free"), asDraft),
		with(planLink("old", ""), isArchived), planLink("both", ""),
		addonLink("seats"), addonLink("calls", "seats"), with(addonLink("seats", "logs"), asDraft), addonLink("logs"), with(addonLink("gone"), isArchived),
		addonLink("more", "calls"), addonLink("both", "logs"),
		// A circle that was there before.
		planLink("x", "y"), planLink("y", "x"),
	}
	at := linkPaths{"parent", "compatible", "dependencies"}
	parent := func(ref string) *Version { return &Version{ParentID: ref} }
	needs := func(refs ...string) *Version { return &Version{Dependencies: refs} }
	for _, tc := range []struct {
		name          string
		self          string
		after, before *Version
		want          refusal
	}{
		{"no links", "free", &Version{}, &Version{}, refusal{}},
		{"a parent", "both", parent("team"), &Version{}, refusal{}},
		{"a parent that is a draft", "both", parent("new"), &Version{}, refusal{}},
		{"no such parent", "both", parent("seats"), &Version{}, bad("PlanNotFound", "parent")},
		{"an archived parent", "both", parent("old"), &Version{}, bad("InvalidArgumentError", "parent")},
		{"an archived parent that stays", "both", parent("old"), parent("old"), refusal{}},
		{"its own parent", "free", parent("free"), &Version{}, bad("PlansCircularDependencyError", "parent")},
		{"a child as parent", "free", parent("pro"), &Version{}, bad("PlansCircularDependencyError", "parent")},
		{"a grandchild as parent", "free", parent("team"), &Version{}, bad("PlansCircularDependencyError", "parent")},
		{"a circle through a draft alone", "draft", parent("new"), &Version{}, bad("PlansCircularDependencyError", "parent")},
		{"a circle through a version in force", "free", parent("pro"), parent("x"), bad("PlansCircularDependencyError", "parent")},
		{"an archived child that would be the parent", "old", parent("team"), &Version{}, bad("PlansCircularDependencyError", "parent")},
		{"a circle of others", "both", parent("x"), &Version{}, refusal{}},
		{"no parent any more", "pro", &Version{}, parent("free"), refusal{}},

		{"add-ons", "free", &Version{Compatible: []string{"seats", "logs", "both"}}, &Version{}, refusal{}},
		{"no add-on", "free", &Version{Compatible: []string{"seats", "pro"}}, &Version{}, bad("AddonNotFound", "compatible[1]")},
		{"an archived add-on", "free", &Version{Compatible: []string{"gone", "seats"}}, &Version{}, bad("InvalidArgumentError", "compatible[0]")},
		{"an archived add-on that stays", "free", &Version{Compatible: []string{"gone"}}, &Version{Compatible: []string{"gone"}}, refusal{}},

		{"needs", "logs", needs("both"), needs("both"), refusal{}},
		{"needs what needs others", "both", needs("more", "calls"), &Version{}, refusal{}},
		{"needs nothing that is there", "logs", needs("x", "gone"), &Version{}, bad("AddonNotFound", "dependencies[0]", "dependencies[1]")},
		{"needs itself", "logs", needs("logs"), &Version{}, bad("InvalidArgumentError", "dependencies[0]")},
		{"needs what needs it", "seats", needs("logs", "calls"), &Version{}, bad("InvalidArgumentError", "dependencies[1]")},
		{"needs what needs it through another", "seats", needs("more"), &Version{}, bad("InvalidArgumentError", "dependencies[0]")},
		{"needs what needs it in a draft", "logs", needs("calls"), &Version{}, bad("InvalidArgumentError", "dependencies[0]")},
		{"a plan of the same name is another thing", "both", needs("seats"), &Version{}, refusal{}},
		{
			"all at once", "free", &Version{ParentID: "nobody", Compatible: []string{"nothing"}, Dependencies: []string{"gone"}}, &Version{},
			bad("PlanNotFound", "compatible[0]", "dependencies[0]", "parent"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c errs.Checks
			links.check(&c, at, tc.self, tc.after, tc.before)
			if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
				t.Errorf("%v: %s", c.Err(), d)
			}
		})
	}
}

func TestChildren(t *testing.T) {
	t.Parallel()
	links := Links{
		planLink("free", ""), planLink("pro", "free"), with(planLink("pro", "free"), asDraft), with(planLink("team", "free"), asDraft),
		with(planLink("old", "free"), isArchived), planLink("top", "pro"), addonLink("seats", "free"),
	}
	for ref, want := range map[string][]string{"free": {"pro", "team"}, "pro": {"top"}, "top": nil, "seats": nil} {
		if d := cmp.Diff(want, links.children(ref)); d != "" {
			t.Errorf("of %s: %s", ref, d)
		}
	}
}

func TestCustomAddonsNeedCustomPlans(t *testing.T) {
	t.Parallel()
	custom := Package{RefID: "custom", Latest: &Version{PricingType: Custom}}
	others := []Package{{RefID: "paid", Latest: &Version{PricingType: Paid}}, {RefID: "draft", Draft: &Version{PricingType: Custom}}}
	for _, tc := range []struct {
		name   string
		plan   string
		addons []Package
		want   refusal
	}{
		{"custom with custom", Custom, append([]Package{custom}, others...), refusal{}},
		{"custom with paid", Custom, others, refusal{}},
		{"paid with custom", Paid, append([]Package{custom}, others...), bad("InvalidArgumentError", "at")},
		{"free with custom", Free, []Package{custom}, bad("InvalidArgumentError", "at")},
		{"paid with a custom draft", Paid, others, refusal{}},
	} {
		var c errs.Checks
		checkCustomAddons(&c, "at", &Version{PricingType: tc.plan, Compatible: []string{"custom", "paid", "draft"}}, tc.addons)
		if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

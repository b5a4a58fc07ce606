package catalog

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/opt"
)

// maxText is the longest name, description, unit or billing id in characters (domain-catalog-provisioning §0.3).
const maxText = 255

// checkRef checks the caller's id of a new entity; "" lets one be made.
func checkRef(c *errs.Checks, path, ref string) {
	if ref == "" {
		return
	}
	if issue := id.RefIssue(ref); issue != "" {
		c.Shape(path, "%s", issue)
	}
}

// checkGivenRef is checkRef for an id that must be there.
func checkGivenRef(c *errs.Checks, path, ref string) {
	if issue := id.RefIssue(ref); issue != "" {
		c.Shape(path, "%s", issue)
	}
}

func refOr(ref, kind string) string {
	if ref == "" {
		return id.Generated(kind)
	}
	return ref
}

func checkName(c *errs.Checks, s string) { checkNameAt(c, "displayName", s) }

func checkNameAt(c *errs.Checks, path, s string) {
	if strings.TrimSpace(s) == "" {
		c.Shape(path, "must not be empty")
	}
	checkText(c, path, &s)
}

func checkText(c *errs.Checks, path string, s *string) {
	if s != nil && utf8.RuneCountInString(*s) > maxText {
		c.Shape(path, "must not be longer than %d characters", maxText)
	}
}

func checkOpt(c *errs.Checks, path string, s opt.Of[string]) { checkText(c, path, &s.Value) }

func checkOneOf(c *errs.Checks, path, v string, allowed ...string) {
	if !slices.Contains(allowed, v) {
		c.Shape(path, "must be one of %s", strings.Join(allowed, ", "))
	}
}

// widgets are the places that a plan or an entitlement can be hidden from.
var widgets = []string{Paywall, "CUSTOMER_PORTAL", "CHECKOUT"}

func checkWidgets(c *errs.Checks, path string, list []string) {
	for _, w := range list {
		checkOneOf(c, path, w, widgets...)
	}
}

// distinct sorts and never returns nil.
func distinct(list []string) []string {
	out := append([]string{}, list...)
	slices.Sort(out)
	return slices.Compact(out)
}

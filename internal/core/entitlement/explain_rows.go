package entitlement

import (
	"fmt"

	"github.com/purserhq/purser/internal/core/rules"
)

// nameOf is a row in words: "the add-on extra-seats".
func (x *explainer) nameOf(source int, o *origin) (name string, data map[string]any, err error) {
	data = map[string]any{"source": o.kind, "isEffectiveEntitlement": o.effective}
	if source < len(x.live) {
		data["subscriptionId"] = x.refOf(x.live[source].ID)
	}
	if o.version == "" {
		if o.kind == fromPromotion {
			return "the promotional entitlement", data, nil
		}
		return fmt.Sprintf("the subscription %s itself", data["subscriptionId"]), data, nil
	}
	word, ref, err := x.named(o.version)
	if err != nil {
		return "", nil, err
	}
	name = fmt.Sprintf("the %s %s", word, ref)
	switch o.kind {
	case fromAddon:
		data["addonId"], data["addonQuantity"] = ref, o.quantity
	case fromBase:
		name = "the base plan " + ref
		data["planId"] = ref
	case fromPrice:
		name = fmt.Sprintf("the quantity that is paid for in the plan %s", ref)
		data["planId"] = ref
	default:
		data["planId"] = ref
	}
	return name, data, nil
}

// refOf is the refId of a subscription.
func (x *explainer) refOf(id string) string {
	for i := range x.all {
		if x.all[i].ID == id {
			return x.all[i].RefID
		}
	}
	return id
}

// values are what a row says.
func values(data map[string]any, e *Entitlement) map[string]any {
	r := &e.Row
	data["isGranted"] = r.Granted
	if r.Type == rules.Number {
		data["hasUnlimitedUsage"], data["hasSoftLimit"], data["usageLimit"] = r.Unlimited, r.Soft, nil
		if r.HasLimit {
			data["usageLimit"] = r.Limit
		}
	}
	if r.Type == rules.Enum {
		data["enumValues"] = append([]string{}, r.EnumValues...)
	}
	if e.ResetPeriod != "" {
		data["resetPeriod"] = e.ResetPeriod
	}
	if e.ResetConfiguration != "" {
		data["resetPeriodConfiguration"] = map[string]any{"accordingTo": e.ResetConfiguration}
	}
	return data
}

// rows is the entitlement summary (domain-entitlements-usage §2.5).
func (x *explainer) rows() error {
	list := []any{}
	var lines []string
	for i := range x.origins {
		for j := range x.origins[i] {
			o := &x.origins[i][j]
			name, data, err := x.nameOf(i, o)
			if err != nil {
				return err
			}
			line := capital(name) + " gives " + gives(o.row)
			if o.kind == fromAddon {
				data["behavior"] = "Increment"
				if o.row.Overrides {
					data["behavior"] = "Override"
				}
				if o.quantity > 1 {
					line = fmt.Sprintf("%s, %d times", line, o.quantity)
				}
			}
			if !o.effective {
				line += "; it does not count"
			}
			list, lines = append(list, values(data, o.row)), append(lines, line+".")
		}
	}
	text := "Nothing gives the feature."
	if len(lines) > 0 {
		text = ""
	}
	x.step("rows", sentences(text, lines...), map[string]any{"rows": list})
	return nil
}

// merge says how one row became of many.
func (x *explainer) merge() {
	lines := []string{}
	for i, list := range x.origins {
		lines = append(lines, x.inside(i, list)...)
	}
	row := x.merged.Rows.Find(x.q.Feature)
	given := 0
	for _, s := range x.sources {
		if s.Rows.Find(x.q.Feature) != nil {
			given++
		}
	}
	if given > 1 {
		lines = append(lines, x.across(row)...)
	}
	data := map[string]any{"steps": lines, "result": nil}
	text := "There was nothing to merge."
	if row != nil {
		data["result"] = values(map[string]any{}, row)
		text = sentences("", append(lines, fmt.Sprintf("The result is %s.", gives(row)))...)
	}
	x.step("merge", text, data)
}

// inside says how one source's row came about.
func (x *explainer) inside(source int, list []origin) (lines []string) {
	var overriding bool
	for i := range list {
		overriding = overriding || list[i].kind == fromAddon && list[i].row.Overrides && list[i].row.Row.Granted
	}
	for i := range list {
		o := &list[i]
		name, _, err := x.nameOf(source, o)
		if err != nil {
			continue // rows has said so
		}
		switch {
		case o.kind == fromOverride:
			lines = append(lines, fmt.Sprintf("%s says %s instead of what its plan gives.", capital(name), gives(o.row)))
		case o.kind == fromPrice:
			lines = append(lines, fmt.Sprintf("%s gives at least %s.", capital(name), gives(o.row)))
		case o.kind == fromAddon && o.row.Overrides:
			lines = append(lines, fmt.Sprintf("%s overrides what the plan and other add-ons give, with %s.", capital(name), times(o)))
		case o.kind == fromAddon && overriding:
			lines = append(lines, fmt.Sprintf("%s adds nothing, since another add-on overrides.", capital(name)))
		case o.kind == fromAddon:
			lines = append(lines, fmt.Sprintf("%s adds %s.", capital(name), times(o)))
		}
	}
	return lines
}

// across says which source won.
func (x *explainer) across(row *Entitlement) (lines []string) {
	won := contributing(x.sources, x.merged, x.q.Feature)
	winner := x.merged.source(int(x.merged.Rows.index[x.q.Feature]))
	for i, s := range x.sources {
		e := s.Rows.Find(x.q.Feature)
		switch {
		case e == nil || i == winner:
		case won[i]:
			lines = append(lines, fmt.Sprintf("The values of %s and %s are united.", x.sourceName(winner), x.sourceName(i)))
		case gives(e) == gives(row):
			lines = append(lines, fmt.Sprintf("%s gives as much as %s, which is valid for longer, resets sooner or is newer.", capital(x.sourceName(i)), x.sourceName(winner)))
		default:
			lines = append(lines, fmt.Sprintf("The %s of %s is more than the %s of %s.", gives(row), x.sourceName(winner), gives(e), x.sourceName(i)))
		}
	}
	return lines
}

func (x *explainer) sourceName(i int) string {
	if i < len(x.live) {
		return "the subscription " + x.refOf(x.live[i].ID)
	}
	return "the promotional entitlement"
}

// times is what an add-on gives: "2 × 5".
func times(o *origin) string {
	if o.row.Row.Type == rules.Number && !o.row.Row.Unlimited && o.row.Row.Granted {
		return fmt.Sprintf("%d × %d", o.quantity, limitOf(&o.row.Row))
	}
	return gives(o.row)
}

func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

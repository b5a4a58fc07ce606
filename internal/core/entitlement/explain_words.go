package entitlement

import (
	"fmt"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// wire is an instant as it is written in answers.
func wire(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func number(n meter.Amount) string { return string(meter.AppendNumber(nil, n.N, n.Scale)) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sentences joins sentences.
func sentences(first string, more ...string) string {
	return strings.TrimSpace(strings.TrimSpace(first) + " " + strings.Join(more, " "))
}

// gives says what a row gives: "25", "unlimited", "a, b".
func gives(e *Entitlement) string {
	r := &e.Row
	switch {
	case !r.Granted:
		return "nothing (revoked)"
	case r.Type == rules.Enum:
		return strings.Join(r.EnumValues, ", ")
	case r.Type != rules.Number:
		return "access"
	case r.Unlimited:
		return "unlimited usage"
	}
	limit := fmt.Sprint(r.Limit)
	if r.Soft {
		limit += " (soft)"
	}
	return limit
}

// named is the plan or add-on of a version, in words.
func (x *explainer) named(version string) (kind, ref string, err error) {
	v, err := versions(x.ctx, x.st, x.env, x.catalog)(version)
	if err != nil {
		return "", "", err
	}
	if p, ok := x.catalog.PackageByID(v.PackageID); ok {
		return p.Kind.Word(), p.RefID, nil
	}
	return "package", v.PackageID, nil
}

// because says why the check was decided as it was.
func (x *explainer) because() string {
	a := x.a
	feature := x.q.Feature
	switch a.Reason {
	case "":
		return x.granted()
	case rules.CustomerNotFound:
		return fmt.Sprintf("there is no customer %s.", x.q.Customer)
	case rules.CustomerIsArchived:
		return fmt.Sprintf("the customer %s is archived.", x.q.Customer)
	case rules.CustomerResourceNotFound:
		return fmt.Sprintf("the customer has no resource %s.", x.q.Resource)
	case rules.FeatureNotFound:
		return fmt.Sprintf("there is no feature %s.", feature)
	case rules.NoActiveSubscription:
		return "no subscription and no promotional entitlement counts."
	case rules.NoFeatureEntitlementInSubscription:
		return fmt.Sprintf("nothing that the customer has gives %s.", feature)
	case rules.Revoked:
		return fmt.Sprintf("the entitlement to %s was revoked.", feature)
	case rules.BudgetExceeded:
		return "the subscription has spent what it may."
	case rules.RequestedUsageExceedingLimit:
		return x.inequality() + "."
	case rules.RequestedValuesMismatch:
		return fmt.Sprintf("of %s only %s can be used.", strings.Join(a.Ask.RequestedValues, ", "), strings.Join(a.Entitlement.Row.EnumValues, ", "))
	}
	return string(a.Reason) + "."
}

func (x *explainer) granted() string {
	r := &x.a.Entitlement.Row
	switch {
	case r.Type == rules.Number && r.Meter != rules.None && r.Unlimited:
		return "usage is unlimited."
	case r.Type == rules.Number && r.Meter != rules.None && r.Soft:
		return "the limit is soft."
	case r.Type == rules.Number && r.Meter != rules.None:
		return x.inequality() + "."
	case r.Type == rules.Enum && len(x.a.Ask.RequestedValues) > 0:
		return fmt.Sprintf("%s can be used.", strings.Join(x.a.Ask.RequestedValues, ", "))
	}
	return fmt.Sprintf("the customer has %s.", x.q.Feature)
}

// inequality is what held, or did not.
func (x *explainer) inequality() string {
	a, sign := x.a, "is not more than"
	if !a.Granted {
		sign = "is more than"
	}
	asked := meter.Amount{N: max(a.Ask.RequestedUsage, 0), Scale: a.Ask.RequestedScale}
	return fmt.Sprintf("the usage %s and the requested %s together %s the limit %d", number(a.Current()), number(asked), plurals(sign), limitOf(&a.Entitlement.Row))
}

// plurals makes a verb fit two things.
func plurals(sign string) string { return strings.Replace(sign, "is", "are", 1) }

func limitOf(r *rules.Row) int64 {
	if !r.HasLimit {
		return 0
	}
	return r.Limit
}

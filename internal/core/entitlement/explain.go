package entitlement

import (
	"context"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Explanation says how a check came to its answer, in the order in which it was decided.
type Explanation struct {
	Steps []ExplanationStep `json:"steps"`
}

// ExplanationStep is one part of it, in words and as data.
type ExplanationStep struct {
	Kind string         `json:"kind" enum:"customer,subscriptions,rows,merge,usage,decision,remedies"`
	Text string         `json:"text"`
	Data map[string]any `json:"data"`
}

// explainer puts an explanation together. It decides with the functions that checks decide with, and looks at the same.
type explainer struct {
	assembly
	q       Query
	holder  Holder
	all     []subscription.Subscription
	live    []Subscription
	origins [][]origin // by source
	sources []Source
	merged  Merged
	set     *Set
	a       *Answer
	out     Explanation
}

// Explain is CheckAt with an explanation of the answer. It reads the database.
func (s *Service) Explain(ctx context.Context, env tenant.ID, q Query) (a Answer, err error) {
	e, k := s.cache.environment(env), key{env, q.Customer, q.Resource}
	err = s.ahead.Foresee(ctx, env, Sight{q.Customer, q.Resource, q.At, true}, func(st Store, p Prospect) error {
		c, err := st.Catalog(ctx, env)
		if err != nil {
			return err
		}
		v := e.speak(c)
		x := explainer{q: q, holder: p.Holder, all: p.Subscriptions, a: &a}
		x.assembly = assembly{ctx, st, env, c, func(sub Subscription) (*Rows, error) { return v.rowsOf(ctx, st, env, sub) }, versions(ctx, st, env, c), p.At}
		if x.set, err = x.compile(p.Holder, k); err != nil {
			return err
		}
		a = x.set.reply(v, &q, p.At.UnixMicro())
		return x.explain()
	})
	return a, err
}

func (x *explainer) explain() error {
	x.customer()
	if x.holder.Known {
		if err := x.trace(); err != nil {
			return err
		}
	}
	x.subscriptions()
	if err := x.rows(); err != nil {
		return err
	}
	x.merge()
	x.usage()
	x.decision()
	if err := x.remedies(); err != nil {
		return err
	}
	x.a.Explanation = &x.out
	return nil
}

// trace finds the rows that each source is made of.
func (x *explainer) trace() (err error) {
	if x.sources, err = x.assembly.sources(x.holder, &Set{}); err != nil {
		return err
	}
	x.live = x.holder.live(x.now)
	x.merged = Merge(x.sources)
	won := contributing(x.sources, x.merged, x.q.Feature)
	for i, s := range x.sources {
		var list []origin
		if i < len(x.live) {
			list, err = x.live[i].trace(x.q.Feature, func(p part) (*Rows, error) { return p.compile(x.version, x.catalog.Feature) }, x.catalog.Feature)
			if err != nil {
				return err
			}
		} else if row := s.Rows.Find(x.q.Feature); row != nil {
			list = []origin{{kind: fromPromotion, row: row, effective: true}}
		}
		for j := range list {
			list[j].effective = list[j].effective && won[i]
		}
		x.origins = append(x.origins, list)
	}
	return nil
}

func (x *explainer) step(kind, text string, data map[string]any) {
	x.out.Steps = append(x.out.Steps, ExplanationStep{kind, text, data})
}

func (x *explainer) customer() {
	data := map[string]any{"customerId": x.q.Customer, "isKnown": x.holder.Known, "isArchived": x.holder.Archived, "at": wire(x.now)}
	var text string
	switch {
	case !x.holder.Known:
		text = fmt.Sprintf("There is no customer %s.", x.q.Customer)
	case x.holder.Archived:
		text = fmt.Sprintf("The customer %s is archived.", x.q.Customer)
	default:
		text = fmt.Sprintf("The customer %s is known.", x.q.Customer)
	}
	if x.q.Resource != "" {
		data["resourceId"], data["isResourceKnown"] = x.q.Resource, x.holder.ResourceKnown
		if x.holder.Known && x.holder.ResourceKnown {
			text += fmt.Sprintf(" It has the resource %s.", x.q.Resource)
		} else if x.holder.Known {
			text += fmt.Sprintf(" It has no resource %s.", x.q.Resource)
		}
	}
	x.step("customer", text, data)
}

func (x *explainer) subscriptions() {
	counts := map[string]bool{}
	for _, s := range x.live {
		counts[s.ID] = true
	}
	list := []any{}
	var lines []string
	for i := range x.all {
		s := &x.all[i]
		why := x.why(s, counts[s.ID])
		row := map[string]any{
			"subscriptionId": s.RefID, "planId": s.PlanRef, "productId": s.ProductRef, "status": string(s.Status), "isConsidered": counts[s.ID], "text": why,
			"startDate": wire(s.StartDate),
		}
		if s.Resource != "" {
			row["resourceId"] = s.Resource
		}
		if end := s.EffectiveEnd(); end != nil {
			row["effectiveEndDate"] = wire(*end)
		}
		list, lines = append(list, row), append(lines, why)
	}
	text := fmt.Sprintf("%d of %s count. ", len(x.live), plural(len(x.all), "subscription"))
	if len(x.all) == 0 {
		text = "There are no subscriptions. "
	} else if len(x.live) == 1 {
		text = fmt.Sprintf("1 of %s counts. ", plural(len(x.all), "subscription"))
	}
	x.step("subscriptions", sentences(text, lines...), map[string]any{"subscriptions": list})
}

// why says why a subscription counts, or why not.
func (x *explainer) why(s *subscription.Subscription, counts bool) string {
	name := fmt.Sprintf("%s to the plan %s", s.RefID, s.PlanRef)
	end := s.EffectiveEnd()
	switch {
	case counts && s.Status == subscription.InTrial && end != nil:
		return fmt.Sprintf("%s counts: it is in a trial until %s.", name, wire(*end))
	case counts && end != nil:
		return fmt.Sprintf("%s counts: it runs until %s.", name, wire(*end))
	case counts:
		return name + " counts: it is active."
	case s.Status == subscription.NotStarted:
		return fmt.Sprintf("%s does not count: it starts on %s.", name, wire(s.StartDate))
	case s.Status == subscription.PaymentPending:
		return name + " does not count: it waits for a payment."
	case s.Status.Ended() && end != nil:
		return fmt.Sprintf("%s does not count: it ended on %s.", name, wire(*end))
	case s.Status.Ended():
		return name + " does not count: it has ended."
	case s.Resource != x.q.Resource && s.Resource != "":
		return fmt.Sprintf("%s does not count: it is for the resource %s.", name, s.Resource)
	case end != nil && !end.After(x.now):
		return fmt.Sprintf("%s does not count: it ended on %s.", name, wire(*end))
	}
	return name + " does not count."
}

func (x *explainer) usage() {
	a := x.a
	if !a.Metered() {
		x.step("usage", "No usage counts here.", map[string]any{})
		return
	}
	whose := "the customer"
	if a.Scope != "" {
		whose = "the resource " + a.Scope
	}
	data := map[string]any{"currentUsage": a.Current(), "scope": "CUSTOMER"}
	if a.Scope != "" {
		data["scope"], data["resourceId"] = "RESOURCE", a.Scope
	}
	text := fmt.Sprintf("The usage of %s is %s. It is never reset.", whose, number(a.Current()))
	if p, ok := a.Period(); ok {
		start, end := time.UnixMicro(p.Start), time.UnixMicro(p.End)
		data["usagePeriodStart"], data["usagePeriodEnd"], data["usagePeriodAnchor"] = wire(start), wire(end), wire(time.UnixMicro(a.Origin.Anchor))
		text = fmt.Sprintf("The usage of %s is %s in the period from %s to %s.", whose, number(a.Current()), wire(start), wire(end))
	}
	x.step("usage", text, data)
}

func (x *explainer) decision() {
	a := x.a
	data := map[string]any{"isGranted": a.Granted, "accessDeniedReason": nil}
	if !a.Granted {
		data["accessDeniedReason"] = string(a.Reason)
	}
	word := "Denied"
	if a.Granted {
		word = "Granted"
	}
	why := x.because()
	if a.Metered() && (a.Reason == "" || a.Reason == rules.RequestedUsageExceedingLimit) && !a.Entitlement.Row.Unlimited && !a.Entitlement.Row.Soft {
		data["inequality"] = x.inequality()
	}
	x.step("decision", fmt.Sprintf("%s: %s", word, why), data)
}

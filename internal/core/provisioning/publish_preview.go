package provisioning

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

const (
	// previewSample is how many subscriptions a preview looks at; of more it takes that many, spread evenly.
	previewSample = 1000
	// maxPreviewChanges is how many changes a preview lists.
	maxPreviewChanges = 500
)

// PublishPreview is what publishing a draft for all customers would do now (contract §5.7). Of a sample, the numbers of
// customers are scaled to all.
type PublishPreview struct {
	Customers     int64 // with a subscription that would move, or cannot
	Subscriptions int64
	Examined      int64 // subscriptions that were looked at
	Sampled       bool  // those are not all
	NotMovable    int64 // customers whose plan has become of another type (domain-catalog-provisioning §4.3 step 4)
	OverLimit     int64 // customers who use more than they would have
	Changes       []PreviewChange
	// What is charged now and after it. New subscriptions pay that; existing ones stay with what they pay.
	PricesBefore, PricesAfter []catalog.Price
}

// The effects of a change.
const (
	Gains   = "GAINS"
	Loses   = "LOSES"
	Changes = "CHANGES" // more of one thing and less of another
)

// PreviewChange is what becomes of one feature, for those who have the same of it before and after. A nil row is none.
type PreviewChange struct {
	FeatureID     string // refId
	Before, After *entitlement.Entitlement
	Effect        string
	Customers     int64
}

// Usage tells how much of some features a customer, or one of its resources ("" for none), uses at present.
type Usage func(ctx context.Context, st Store, env tenant.ID, customerRef, resource string, features []string) (map[string]int64, error)

// SetUsage says where usage is asked for; without it there is none. Call it before anything else.
func (s *Service) SetUsage(u Usage) { s.usage = u }

// noUsage is what there is as long as nobody reports any.
func noUsage(context.Context, Store, tenant.ID, string, string, []string) (map[string]int64, error) {
	return nil, nil
}

// PublishPreview says what publishing the draft of a package for all customers would do. It writes nothing. Without a
// draft it answers what publishing answers.
func (s *Service) PublishPreview(ctx context.Context, env tenant.ID, kind catalog.Kind, ref string) (PublishPreview, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (out PublishPreview, err error) {
		pkg, err := st.PackageByRef(ctx, env, kind, ref)
		switch {
		case err != nil:
			return out, err
		case pkg.Status == catalog.Archived:
			return out, catalog.ErrNoDraft.Because("The %s %s is archived.", kind.Word(), ref)
		case pkg.Draft == nil:
			return out, catalog.ErrAlreadyPublished
		}
		p := preview{
			migration: migration{Service: s, ctx: ctx, st: st, env: env, pkg: &pkg},
			known:     map[string]catalog.Version{pkg.Draft.ID: *pkg.Draft}, rows: map[string]*entitlement.Rows{},
		}
		if p.cat, err = st.Catalog(ctx, env); err != nil {
			return out, err
		}
		if p.subscribers, p.versions, err = subscribersOf(ctx, st, env, pkg); err != nil {
			return out, err
		}
		out, err = p.examine()
		if pkg.Latest != nil {
			out.PricesBefore = pkg.Latest.Prices
		}
		out.PricesAfter = pkg.Draft.Prices
		return out, err
	})
}

// preview compares what subscriptions give before and after a migration to a draft.
type preview struct {
	migration
	known map[string]catalog.Version   // versions that are not in force, the draft too
	rows  map[string]*entitlement.Rows // by combination

	customers, notMovable, overLimit map[string]bool
	changes                          map[string]*changed
}

// changed collects the customers of a change.
type changed struct {
	PreviewChange
	customers map[string]bool
}

func (p *preview) examine() (out PublishPreview, err error) {
	if out.Subscriptions, _, err = p.st.CountSubscribers(p.ctx, p.env, p.subscribers); err != nil {
		return out, err
	}
	sample := int64(cmp.Or(p.jobs.Sample, previewSample))
	list, err := p.st.SampleSubscribers(p.ctx, p.env, p.subscribers, out.Subscriptions, sample)
	if err != nil {
		return out, err
	}
	ids := make([]string, 0, len(list))
	for _, c := range list {
		ids = append(ids, c.SubscriptionID)
	}
	subs, err := p.st.SubscriptionsByID(p.ctx, p.env, ids)
	if err != nil {
		return out, err
	}
	p.customers, p.notMovable, p.overLimit = map[string]bool{}, map[string]bool{}, map[string]bool{}
	p.changes = map[string]*changed{}
	for _, sub := range subs {
		if err := p.compare(sub); err != nil {
			return out, err
		}
	}
	out.Examined = int64(len(subs))
	out.Sampled = out.Examined < out.Subscriptions
	scale := func(customers map[string]bool) int64 {
		n := int64(len(customers))
		if out.Sampled {
			n = (n*out.Subscriptions + out.Examined/2) / out.Examined
		}
		return n
	}
	out.Customers, out.NotMovable, out.OverLimit = scale(p.customers), scale(p.notMovable), scale(p.overLimit)
	for _, c := range p.changes {
		c.Customers = scale(c.customers)
		out.Changes = append(out.Changes, c.PreviewChange)
	}
	slices.SortFunc(out.Changes, func(a, b PreviewChange) int {
		return cmp.Or(cmp.Compare(b.Customers, a.Customers), cmp.Compare(a.FeatureID, b.FeatureID), cmp.Compare(a.Effect, b.Effect),
			cmp.Compare(described(a.Before), described(b.Before)), cmp.Compare(described(a.After), described(b.After)))
	})
	out.Changes = out.Changes[:min(len(out.Changes), maxPreviewChanges)]
	return out, nil
}

// compare adds what becomes of one subscription.
func (p *preview) compare(sub subscription.Subscription) error {
	to, why := p.target(sub, p.pkg.Draft, p.cat.Bases)
	if why != "" {
		p.customers[sub.CustomerID], p.notMovable[sub.CustomerID] = true, true
		return nil
	}
	ch, moved := subscription.Migrate(sub, to, sub.UpdatedAt)
	if !moved {
		return nil
	}
	p.customers[sub.CustomerID] = true
	before, err := p.gives(sub)
	if err != nil {
		return err
	}
	after, err := p.gives(ch.Subscription)
	if err != nil {
		return err
	}
	var touched []string
	for _, f := range features(before, after) {
		old, now := before.Find(f), after.Find(f)
		a, b := described(old), described(now)
		if a == b {
			continue
		}
		touched = append(touched, f)
		key := f + "\n" + a + "\n" + b
		c := p.changes[key]
		if c == nil {
			c = &changed{PreviewChange{FeatureID: f, Before: old, After: now, Effect: effect(old, now)}, map[string]bool{}}
			p.changes[key] = c
		}
		c.customers[sub.CustomerID] = true
	}
	if len(touched) == 0 {
		return nil
	}
	used, err := p.usage(p.ctx, p.st, p.env, sub.CustomerRef, sub.Resource, touched)
	for _, f := range touched {
		if beyond(after.Find(f), used[f]) {
			p.overLimit[sub.CustomerID] = true
		}
	}
	return err
}

// gives are the entitlements of a subscription, compiled once for all that are made of the same.
func (p *preview) gives(sub subscription.Subscription) (*entitlement.Rows, error) {
	s := entitlement.Subscription{VersionID: sub.VersionID, PriceVersionID: sub.PriceVersionID, Bases: sub.Bases}
	for _, a := range sub.Addons {
		s.Addons = append(s.Addons, entitlement.Addon{VersionID: a.VersionID, PriceVersionID: a.PriceVersionID, Quantity: a.Quantity})
	}
	key := s.Combination()
	if rows := p.rows[key]; rows != nil {
		return rows, nil
	}
	rows, err := entitlement.RowsOf(s, p.version, p.cat.Feature)
	p.rows[key] = rows
	return rows, err
}

func (p *preview) version(id string) (catalog.Version, error) {
	if v, ok := p.cat.VersionByID(id); ok {
		return *v, nil
	}
	if v, ok := p.known[id]; ok {
		return v, nil
	}
	v, err := p.st.PackageVersion(p.ctx, p.env, id)
	p.known[id] = v
	return v, err
}

// features are those of two lists of rows, in order.
func features(a, b *entitlement.Rows) (refs []string) {
	for _, rows := range []*entitlement.Rows{a, b} {
		for i := range rows.All() {
			refs = append(refs, rows.All()[i].Feature.RefID)
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// described tells two rows apart by what a customer notices; "" is nothing.
func described(e *entitlement.Entitlement) string {
	if e == nil || !e.Row.Granted {
		return ""
	}
	r := &e.Row
	return fmt.Sprint(r.Unlimited, r.HasLimit, r.Limit, r.Soft, r.EnumValues, e.ResetPeriod, e.ResetConfiguration)
}

// effect says whether a row becomes better or worse.
func effect(before, after *entitlement.Entitlement) string {
	none := &entitlement.Entitlement{}
	a, b := &cmp.Or(before, none).Row, &cmp.Or(after, none).Row
	switch {
	case !a.Granted:
		return Gains
	case !b.Granted:
		return Loses
	}
	more := a.Unlimited != b.Unlimited && b.Unlimited || !b.Unlimited && !a.Unlimited && b.Limit > a.Limit || b.Soft && !a.Soft
	less := a.Unlimited != b.Unlimited && a.Unlimited || !b.Unlimited && !a.Unlimited && b.Limit < a.Limit || a.Soft && !b.Soft
	for _, v := range b.EnumValues {
		more = more || !slices.Contains(a.EnumValues, v)
	}
	for _, v := range a.EnumValues {
		less = less || !slices.Contains(b.EnumValues, v)
	}
	switch {
	case more && !less:
		return Gains
	case less && !more:
		return Loses
	}
	return Changes
}

// beyond reports whether usage is more than what a row allows.
func beyond(e *entitlement.Entitlement, used int64) bool {
	if used <= 0 {
		return false
	}
	if e == nil || !e.Row.Granted {
		return true
	}
	r := &e.Row
	return r.Type == rules.Number && r.Meter != rules.None && !r.Unlimited && used > r.Limit
}

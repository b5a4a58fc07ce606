package provisioning

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/promotion"
	"github.com/purserhq/purser/internal/core/timer"
)

// Grant grants features to a customer outside of any subscription, all or none, and returns the grants in the order of the
// rows. Where one of the feature runs already it becomes what is asked for, and keeps its id and start; its end counts from
// now. An archived customer is customer.ErrNotFound.
func (s *Service) Grant(ctx context.Context, env tenant.ID, ref string, rows []promotion.New) ([]promotion.View, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) ([]promotion.View, error) {
		b, err := s.customer(ctx, st, env, ref, now, customer.ErrNotFound)
		if err != nil {
			return nil, err
		}
		wanted, err := b.promotionsOf(rows)
		if err != nil {
			return nil, err
		}
		granted := make([]*promotional, 0, len(wanted))
		for _, p := range wanted {
			g, err := b.promote(p)
			if err != nil {
				return nil, err
			}
			granted = append(granted, g)
		}
		if len(b.events) > 0 {
			b.entitled("", "promotional_entitlement_granted")
		}
		b.save()
		return b.promotionViews(granted...)
	}, tx.Lock{Kind: tx.Customer, Ref: ref})
}

// Revoke ends the running grant of a feature and returns it; promotion.ErrNotFound when there is none.
func (s *Service) Revoke(ctx context.Context, env tenant.ID, ref, featureRef string) (promotion.View, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (promotion.View, error) {
		var none promotion.View
		b, err := s.customer(ctx, st, env, ref, now, customer.ErrNotFound)
		if err != nil {
			return none, err
		}
		list, err := b.promotions()
		if err != nil {
			return none, err
		}
		i := slices.IndexFunc(list, func(g *promotional) bool { return g.FeatureRef == featureRef && g.EndedAt == nil })
		if i < 0 {
			return none, promotion.ErrNotFound
		}
		b.writePromotion(list[i], promotion.Revoke(list[i].Promotion, now))
		b.entitled("", "promotional_entitlement_revoked")
		b.save()
		views, err := b.promotionViews(list[i])
		if err != nil {
			return none, err
		}
		return views[0], nil
	}, tx.Lock{Kind: tx.Customer, Ref: ref})
}

// Promotions lists the grants of a customer, those that have ended too, with the statuses that they have now; a customer
// that is archived is customer.ErrNotFound.
func (s *Service) Promotions(ctx context.Context, env tenant.ID, ref string, f promotion.Filter, p page.Request) (page.Of[promotion.View], error) {
	return tx.Get(ctx, s.db, env, func(st Store, now time.Time) (out page.Of[promotion.View], err error) {
		c, err := st.CustomerByRef(ctx, env, ref)
		if err == nil && c.Archived() {
			err = customer.ErrNotFound
		}
		if err != nil {
			return out, err
		}
		e, err := st.EnvironmentByID(ctx, env)
		if err != nil {
			return out, err
		}
		list, err := st.ListPromotions(ctx, env, c.ID, f, now, p)
		out.Next, out.Prev = list.Next, list.Prev
		for _, p := range list.Items {
			out.Items = append(out.Items, promotion.View{Promotion: p, EnvironmentID: e.UUID, At: now})
		}
		return out, err
	})
}

// promotional is a promotional entitlement in a book.
type promotional struct {
	promotion.Promotion
	stored  bool
	changed bool
}

// promotions are the customer's grants that had not ended when the book was opened, and those made since.
func (b *book) promotions() ([]*promotional, error) {
	if b.grantsLoaded || b.made {
		return b.grants, nil
	}
	list, err := b.st.RunningPromotions(b.ctx, b.env, b.c.ID)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		b.grants = append(b.grants, &promotional{Promotion: p, stored: true})
	}
	b.grantsLoaded = true
	return b.grants, nil
}

// promotionsOf makes grants of the rows of a request, and names every bad field.
func (b *book) promotionsOf(rows []promotion.New) ([]promotion.Promotion, error) {
	cat, err := b.cat()
	if err != nil {
		return nil, err
	}
	var c errs.Checks
	promotion.Validate(&c, rows)
	list := make([]promotion.Promotion, 0, len(rows))
	for i, row := range rows {
		f, _ := cat.Feature(row.FeatureRef)
		p := row.For(&c, promotion.Row(i), f, b.at)
		p.ID, p.CustomerID, p.CustomerRef = b.ids.New(), b.c.ID, b.c.RefID
		list = append(list, p)
	}
	return list, c.Err()
}

// promote makes a grant, or changes the one of its feature that runs.
func (b *book) promote(p promotion.Promotion) (*promotional, error) {
	list, err := b.promotions()
	if err != nil {
		return nil, err
	}
	for _, g := range list {
		if g.FeatureID == p.FeatureID && g.EndedAt == nil {
			if ch, changed := promotion.Update(g.Promotion, p, b.at); changed {
				b.writePromotion(g, ch)
			}
			return g, nil
		}
	}
	g := &promotional{}
	b.grants = append(b.grants, g)
	b.writePromotion(g, promotion.Grant(p, b.at))
	return g, nil
}

// writePromotion takes a change of a grant over into the book.
func (b *book) writePromotion(g *promotional, ch promotion.Change) {
	g.Promotion, g.changed = ch.Promotion, true
	if g.stored {
		b.drop(g.ID)
	}
	b.timers = append(b.timers, ch.Timers...)
	b.events = append(b.events, ch.Event)
}

// revokeAll ends the customer's grants.
func (b *book) revokeAll() error {
	list, err := b.promotions()
	for _, g := range list {
		if g.EndedAt == nil {
			b.writePromotion(g, promotion.Revoke(g.Promotion, b.at))
		}
	}
	return err
}

// firePromotion applies a timer of a grant. One whose grant has ended or got another end has nothing left to do.
func (b *book) firePromotion(t timer.Timer) error {
	list, err := b.promotions()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(g *promotional) bool { return g.ID == t.SubscriptionID && g.EndedAt == nil && g.EndDate != nil })
	if i < 0 {
		return nil
	}
	switch g := list[i]; {
	case t.Kind == timer.PromotionEnd && g.EndDate.Equal(t.Due):
		b.writePromotion(g, promotion.Expire(g.Promotion))
		b.entitled("", "promotional_entitlement_expired")
	case t.Kind == timer.PromotionEndsSoon:
		b.events = append(b.events, promotion.Announce(g.Promotion, t.Due))
	}
	return nil
}

// savePromotions queues what became of grants: what ends first, since it makes room for what begins.
func (b *book) savePromotions() {
	for _, g := range b.grants {
		if g.stored && g.changed {
			b.st.UpdatePromotion(b.env, g.Promotion)
		}
	}
	for _, g := range b.grants {
		if !g.stored {
			b.st.InsertPromotion(b.env, g.Promotion)
		}
		g.stored, g.changed = true, false
	}
}

func (b *book) promotionViews(list ...*promotional) ([]promotion.View, error) {
	e, err := b.st.EnvironmentByID(b.ctx, b.env)
	views := make([]promotion.View, 0, len(list))
	for _, g := range list {
		views = append(views, promotion.View{Promotion: g.Promotion, EnvironmentID: e.UUID, At: b.at})
	}
	return views, err
}

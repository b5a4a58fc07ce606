package store

import (
	"context"
	"slices"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// insertAddons queues the add-ons of a new subscription.
func (t *Tx) insertAddons(env tenant.ID, s subscription.Subscription) {
	for _, a := range s.Addons {
		t.exec(`
			insert into subscription_addons (environment, subscription_id, addon_id, version_id, price_version_id, quantity)
			values ($1, $2, $3, $4, $5, $6)`, env, s.ID, a.PackageID, a.VersionID, a.PriceVersionID, a.Quantity)
	}
}

// RepinAddons implements subscription.Store.
func (t *Tx) RepinAddons(env tenant.ID, s subscription.Subscription) {
	for _, a := range s.Addons {
		t.exec(`
			update subscription_addons set version_id = $4, price_version_id = $5, quantity = $6
			where environment = $1 and subscription_id = $2 and addon_id = $3`,
			env, s.ID, a.PackageID, a.VersionID, a.PriceVersionID, a.Quantity)
	}
}

// fillAddons reads the add-ons of subscriptions.
func (t *Tx) fillAddons(ctx context.Context, env tenant.ID, list []subscription.Subscription) error {
	for chunk := range slices.Chunk(list, fillChunk) {
		byID := make(map[string]*subscription.Subscription, len(chunk))
		ids := make([]string, 0, len(chunk))
		for i := range chunk {
			byID[chunk[i].ID] = &chunk[i]
			ids = append(ids, chunk[i].ID)
		}
		q := newList("subscription_addons", "a", env)
		q.in("a.subscription_id", ids)
		err := t.each(ctx, func(r rows) error {
			var id string
			var a subscription.Addon
			err := r.Scan(&id, &a.PackageID, &a.RefID, &a.VersionID, &a.PriceVersionID, &a.Quantity)
			if s := byID[id]; s != nil {
				s.Addons = append(s.Addons, a)
			}
			return err
		}, `
			select a.subscription_id, a.addon_id, k.ref_id, a.version_id, a.price_version_id, a.quantity
			from subscription_addons a join packages k on k.environment = a.environment and k.id = a.addon_id`+
			q.clause()+` order by k.ref_id`, q.args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// FillCharges implements subscription.Store.
func (t *Tx) FillCharges(ctx context.Context, env tenant.ID, s *subscription.Subscription) error {
	list := []subscription.Subscription{*s}
	err := t.fillCharges(ctx, env, list)
	*s = list[0]
	return err
}

// fillCharges reads the prices that subscriptions pay, after their add-ons.
func (t *Tx) fillCharges(ctx context.Context, env tenant.ID, list []subscription.Subscription) error {
	prices := map[string][]catalog.Price{}
	var ids []string
	want := func(version string) {
		if _, ok := prices[version]; !ok {
			prices[version] = nil
			ids = append(ids, version)
		}
	}
	for i := range list {
		want(list[i].PriceVersionID)
		for _, a := range list[i].Addons {
			want(a.PriceVersionID)
		}
	}
	for chunk := range slices.Chunk(ids, fillChunk) {
		q := newList("prices", "c", env)
		q.in("c.version_id", chunk)
		err := t.each(ctx, func(r rows) error {
			id, p, err := scanPrice(r)
			prices[id] = append(prices[id], p)
			return err
		}, selectPrice+q.clause(), q.args...)
		if err != nil {
			return err
		}
	}
	for i := range list {
		s := &list[i]
		s.Prices = []subscription.Charge{}
		s.Pay("", prices[s.PriceVersionID])
		for _, a := range s.Addons {
			s.Pay(a.RefID, prices[a.PriceVersionID])
		}
	}
	return nil
}

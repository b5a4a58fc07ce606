package store

import (
	"context"
	"slices"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

var insertSubscriptionAddons = newMultiRow(
	`insert into subscription_addons (environment, subscription_id, addon_id, version_id, price_version_id, quantity)`, 6, ``)

// insertAddons queues the add-ons of a subscription.
func (t *Tx) insertAddons(env tenant.ID, s subscription.Subscription) {
	for some := range slices.Chunk(s.Addons, rowsAtOnce) {
		args := make([]any, 0, len(some)*insertSubscriptionAddons.columns)
		for _, a := range some {
			args = append(args, env, s.ID, a.PackageID, a.VersionID, a.PriceVersionID, a.Quantity)
		}
		t.exec(insertSubscriptionAddons.sql(len(some)), args...)
	}
}

// ReplaceAddons implements subscription.Store.
func (t *Tx) ReplaceAddons(env tenant.ID, s subscription.Subscription) {
	t.exec(`delete from subscription_addons where environment = $1 and subscription_id = $2`, env, s.ID)
	t.insertAddons(env, s)
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
		list[i].PayFrom(func(version string) []catalog.Price { return prices[version] })
	}
	return nil
}

package auth

import "github.com/purserhq/purser/internal/base/errs"

// Permission is something that a caller may be allowed to do. The zero Permission is allowed to nobody.
type Permission uint8

// The permissions.
const (
	CatalogRead       Permission = iota + 1 // products, plans and the pricing table; see Identity.PublishedOnly
	FeatureRead                             // features and feature groups
	AddonRead                               // add-ons, drafts included
	CouponRead                              // coupons
	CouponWrite                             // every change of a coupon
	CatalogWrite                            // every change of the catalog and the journey
	CustomerRead                            // customers and their lists
	CustomerWrite                           // provision, update, archive
	SubscriptionRead                        // subscriptions, their lists, history and previews
	SubscriptionWrite                       // subscribe, change, cancel, import
	EntitlementRead                         // what one named customer may use
	EntitlementBatch                        // what any customers may use, in one call
	FeedRead                                // the change feed
	ClockRead                               // the test clock
	ClockWrite                              // moving the test clock
	VerifyRead                              // the self-check
	TaskRead                                // long-running tasks
	AccountRead                             // the account and its terms
	AccountWrite                            // changing them, for all environments
	StreamRead                              // changes as they happen
	TaskWrite                               // stopping and resuming tasks
	UsageRead                               // the history of usage
	UsageWrite                              // reporting usage and events
	PromotionRead                           // promotional entitlements of customers
	PromotionWrite                          // granting and revoking them
	permissions
)

// access says when a client key has a permission. Server keys have all of them.
type access uint8

const (
	never access = iota
	always
	outsideProduction // in production it takes the customer's signed token (contract §2.6)
)

// table is the one permission table.
var table = [permissions]struct {
	name   string
	client access
}{
	CatalogRead:       {"catalog:read", always},
	FeatureRead:       {"features:read", never},
	AddonRead:         {"addons:read", never},
	CouponRead:        {"coupons:read", never},
	CouponWrite:       {"coupons:write", never},
	CatalogWrite:      {"catalog:write", never},
	CustomerRead:      {"customers:read", never},
	CustomerWrite:     {"customers:write", never},
	SubscriptionRead:  {"subscriptions:read", never},
	SubscriptionWrite: {"subscriptions:write", never},
	EntitlementRead:   {"entitlements:read", outsideProduction},
	EntitlementBatch:  {"entitlements:batch", never},
	FeedRead:          {"feed:read", never},
	ClockRead:         {"clock:read", never},
	ClockWrite:        {"clock:write", never},
	VerifyRead:        {"verify:read", never},
	TaskRead:          {"tasks:read", never},
	AccountRead:       {"account:read", never},
	AccountWrite:      {"account:write", never},
	StreamRead:        {"stream:read", never},
	TaskWrite:         {"tasks:write", never},
	UsageRead:         {"usage:read", never},
	UsageWrite:        {"usage:write", never},
	PromotionRead:     {"promotional-entitlements:read", never},
	PromotionWrite:    {"promotional-entitlements:write", never},
}

// String gives the permission's name: "customers:write".
func (p Permission) String() string {
	if p == 0 || p >= permissions {
		return "none"
	}
	return table[p].name
}

// Allow returns nil when id has p, else errs.IdentityForbidden naming it.
func Allow(id Identity, p Permission) error {
	if p > 0 && p < permissions {
		switch id.Kind {
		case Server:
			return nil
		case Client:
			a := table[p].client
			if a == always || a == outsideProduction && !id.Production {
				return nil
			}
			if a == outsideProduction {
				return errs.IdentityForbidden.Because("In production a client key lacks the permission %s.", p)
			}
		}
	}
	return errs.IdentityForbidden.Because("This %s key lacks the permission %s.", id.Kind, p)
}

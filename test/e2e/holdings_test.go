package e2e

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/store/storetest"
)

// what the database holds about customers whose ids begin alike, one row each, as a customer's id and a word about it.
var facts = []string{
	`select ref_id, 'customer at version ' || cast(version as text) from customers c where c.ref_id like $1`,
	`select c.ref_id, 'subscription ' || p.ref_id || ' ' || s.status || ' at version ' || cast(s.version as text)
		from subscriptions s
		join customers c on c.environment = s.environment and c.id = s.customer_id
		join packages p on p.environment = s.environment and p.id = s.plan_id where c.ref_id like $1`,
	`select c.ref_id, 'timer ' || t.kind from timers t
		join customers c on c.environment = t.environment and c.id = t.customer_id where c.ref_id like $1`,
	`select customer, 'event ' || type from events where customer like $1`,
}

// whole is all that a provision leaves, by the plan that was asked for.
var whole = map[string][]string{
	"": {"customer at version 1", "event customer.created"},
	"plan-basic": {
		"customer at version 1", "event customer.created", "event entitlements.updated", "event subscription.created",
		"subscription plan-basic ACTIVE at version 1",
	},
	"plan-pro": {
		"customer at version 1", "event customer.created", "event entitlements.updated", "event subscription.created",
		"event subscription.trial_started", "subscription plan-pro IN_TRIAL at version 1", "timer TRIAL_END", "timer TRIAL_ENDS_SOON",
	},
}

// holdings reads what is stored about customers, sorted.
func holdings(t *testing.T, db *sql.DB, name string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, text := range facts {
		for _, row := range storetest.Rows(t, db, text, name+"-%") {
			found[row[0]] = append(found[row[0]], row[1])
		}
	}
	for _, list := range found {
		slices.Sort(list)
	}
	return found
}

// checkHoldings requires that every answered request left all of it, once, and every other one all or nothing.
func (c *crowd) checkHoldings(t *testing.T, db *sql.DB) (unansweredButThere int) {
	t.Helper()
	there := holdings(t, db, c.name)
	for id, o := range c.orders {
		got, answered := there[id], c.answers[id] != nil
		if got == nil && !answered {
			continue
		}
		if diff := cmp.Diff(whole[o.plan], got); diff != "" {
			t.Errorf("%s, answered: %v (-whole +there):\n%s", id, answered, diff)
		}
		if !answered {
			unansweredButThere++
		}
		delete(there, id)
	}
	for id := range there {
		if _, asked := c.orders[id]; !asked {
			t.Errorf("%s is there and nobody asked for it", id)
		}
	}
	return unansweredButThere
}

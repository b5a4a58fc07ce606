package property

import (
	"context"
	"database/sql"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// A provision that is refused, early or by the last of its rows, leaves no row and no event.
func TestRefusedProvisionLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		at := open(t, cfg)[0]
		rows := storetest.SQL(t, cfg)
		ctx := event.WithActor(context.Background(), event.System("test"))
		taken, site := "subscription-1", "site-1"
		ask := func(p provisioning.Params) error {
			name := "Ada"
			_, err := at.Provision(ctx, env, provisioning.Request{New: customer.New{ID: "new", Name: &name}, Subscription: &p})
			return err
		}
		_, err := at.Provision(ctx, env, provisioning.Request{
			New: customer.New{ID: "first"}, Subscription: &provisioning.Params{PlanID: "plan-pro", ID: &taken},
		})
		must(t, err)
		before := count(t, rows)
		for name, p := range map[string]provisioning.Params{
			"a taken subscription id":       {PlanID: "plan-pro", ID: &taken},
			"the same beside a resource":    {PlanID: "seat-pro", ID: &taken, ResourceID: &site},
			"an unknown plan":               {PlanID: "plan-none"},
			"a period without a price":      {PlanID: "plan-pro", BillingPeriod: "ANNUALLY"},
			"a resource that has no place":  {PlanID: "plan-pro", ResourceID: &site},
			"a resource that is not given":  {PlanID: "seat-pro"},
			"an id that cannot be one":      {PlanID: "plan-pro", ResourceID: new(string)},
			"a period that there is not":    {PlanID: "plan-pro", BillingPeriod: "DAILY"},
			"metadata with an empty key":    {PlanID: "plan-pro", Metadata: map[string]string{"": "x"}},
			"a free plan's id that is none": {PlanID: "plan/free"},
		} {
			if err := ask(p); err == nil {
				t.Errorf("%s was not refused", name)
			}
			if diff := cmp.Diff(before, count(t, rows)); diff != "" {
				t.Errorf("%s: rows (-before +after):\n%s", name, diff)
			}
		}
		must(t, ask(provisioning.Params{PlanID: "plan-pro"}))
	})
}

// count counts the rows of every table that a provision writes to.
func count(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range []string{"customers", "subscriptions", "resources", "timers", "events", "idempotency"} {
		var n int
		must(t, db.QueryRowContext(t.Context(), "select count(*) from "+table).Scan(&n))
		counts[table] = n
	}
	return counts
}

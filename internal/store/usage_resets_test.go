package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// Resets are read per customer and resource, the oldest first; the first one of an instant stays.
func TestUsageResets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		ids := map[tenant.ID]map[string]string{}
		for _, e := range []tenant.ID{env, env + 1} {
			ids[e] = map[string]string{}
			for _, ref := range []string{"c1", "c2"} {
				c, err := s.Provision(s.ctx, e, provisioning.Request{New: customer.New{ID: ref}})
				if err != nil {
					t.Fatal(err)
				}
				ids[e][ref] = c.Customer.ID
			}
		}
		start := time.Date(2026, 2, 1, 10, 0, 0, 123456000, time.UTC)
		after := func(days int) time.Time { return start.AddDate(0, 0, days) }
		reset := func(e tenant.ID, ref, resource, product string, days int, former subscription.UsageOrigin) subscription.UsageReset {
			r := subscription.UsageReset{CustomerID: ids[e][ref], Resource: resource, ProductID: product, At: after(days), Former: former}
			if err := db.Write(s.ctx, e, func(st *store.Tx, _ time.Time) error { st.InsertUsageReset(e, r); return nil }); err != nil {
				t.Fatal(err)
			}
			return r
		}
		second := reset(env, "c1", "", "p1", 20, subscription.UsageOrigin{Anchor: after(10), Cut: true})
		first := reset(env, "c1", "", "p1", 10, subscription.UsageOrigin{Anchor: start})
		other := reset(env, "c1", "", "p2", 10, subscription.UsageOrigin{Anchor: after(-400)})
		reset(env, "c1", "", "p1", 10, subscription.UsageOrigin{Anchor: after(10), Cut: true}) // left alone
		there := reset(env, "c1", "site", "p1", 10, subscription.UsageOrigin{Anchor: start})
		reset(env, "c2", "", "p1", 12, subscription.UsageOrigin{Anchor: start})
		foreign := reset(env+1, "c1", "", "p1", 12, subscription.UsageOrigin{Anchor: start})

		for _, tc := range []struct {
			name          string
			env           tenant.ID
			ref, resource string
			from, to      time.Time
			want          []subscription.UsageReset
		}{
			{"all", env, "c1", "", start, after(100), []subscription.UsageReset{first, other, second}},
			{"from the first on, before the last", env, "c1", "", after(10), after(20), []subscription.UsageReset{first, other}},
			{"after the first", env, "c1", "", after(10).Add(time.Microsecond), after(20).Add(time.Microsecond), []subscription.UsageReset{second}},
			{"of a resource", env, "c1", "site", start, after(100), []subscription.UsageReset{there}},
			{"of another resource", env, "c1", "none", start, after(100), nil},
			{"of an unknown customer", env, "c3", "", start, after(100), nil},
			{"of the customer of another environment", env + 1, "c1", "", start, after(100), []subscription.UsageReset{foreign}},
		} {
			err := db.Read(s.ctx, tc.env, func(st *store.Tx, _ time.Time) error {
				got, err := st.UsageResets(s.ctx, tc.env, tc.ref, tc.resource, tc.from.UnixMicro(), tc.to.UnixMicro())
				if d := cmp.Diff(tc.want, got); d != "" {
					t.Errorf("%s (-want +got):\n%s", tc.name, d)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
	})
}

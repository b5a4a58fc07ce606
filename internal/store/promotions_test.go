package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/promotion"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// granted is a row of feature-reports for a period.
func granted(period string) []promotion.New {
	return []promotion.New{{FeatureRef: "feature-reports", Period: period}}
}

// promoted is a shop where "runs" has a grant for a month, "free" one for ever, and that of "over" has ended.
func promoted(t *testing.T, db *store.DB) shop {
	t.Helper()
	s := openShop(t, db)
	for id, period := range map[string]string{"runs": promotion.OneMonth, "free": promotion.Lifetime, "over": promotion.OneWeek} {
		must(t)(s.Provision(s.ctx, env, ask(id, "plan-basic")))
		must(t)(s.Grant(s.ctx, env, id, granted(period)))
	}
	clk, err := s.Clock(s.ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	must(t)(s.MoveClock(s.ctx, env, clk.Now.Add(8*24*time.Hour)))
	return s
}

func TestVerifyFindsDamagedPromotions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := promoted(t, db)
		if r := verify(t, db); !r.OK {
			t.Fatalf("healthy: %v", r.Findings)
		}
		const of = `(select g.id from promotional_entitlements g join customers c on c.id = g.customer_id where c.ref_id = `
		for _, d := range []struct {
			name, sql string
			want      []string
		}{
			{
				"one that runs without its timer", `delete from timers where kind = 'PROMOTION_END'`,
				[]string{"timer_missing promotional_entitlement: The promotional entitlement is running and has no timer PROMOTION_END at"},
			},
			{
				"another end than its timer's", `update promotional_entitlements set end_date = '2040-01-01T00:00:00.000000Z' where id = ` + of + `'runs')`,
				[]string{"timer_missing promotional_entitlement: The promotional entitlement is running and has no timer PROMOTION_END at"},
			},
			{
				"one that has ended and has a timer", `update timers set subscription_id = ` + of + `'over'), customer_id = (select id from customers where ref_id = 'over')
					where kind = 'PROMOTION_ENDS_SOON'`,
				[]string{"timer_left promotional_entitlement: The promotional entitlement has ended and still has the timer PROMOTION_ENDS_SOON of"},
			},
			{
				"a timer of another customer", `update timers set customer_id = (select id from customers where ref_id = 'free') where kind = 'PROMOTION_END'`,
				[]string{"timer_owner promotional_entitlement: The timer PROMOTION_END of"},
			},
			{
				"an archived customer", `update customers set archived_at = updated_at, name = null, fingerprint = null where ref_id = 'free'`,
				[]string{
					"archived_customer customer free: The customer is archived and has a promotional entitlement to feature-reports.",
					"archived_customer customer free: The customer is archived and has the ACTIVE subscription",
				},
			},
			{
				"a feature that is not there", `NO KEYS; update promotional_entitlements set feature_id = 'x' where id = ` + of + `'free')`,
				[]string{"reference promotional_entitlement: Its feature_id x is not among the features."},
			},
			{
				"no beginning", `delete from events where type = 'promotionalEntitlement.granted' and customer = 'free'`,
				[]string{"feed_event promotional_entitlement: The feed has no event promotionalEntitlement.granted for"},
			},
			{
				"a change without its event", `update promotional_entitlements set version = 2 where id = ` + of + `'free')`,
				[]string{"feed_event promotional_entitlement: Stored is version 2, the feed ends with version 1."},
			},
		} {
			if got := s.damage(t, d.name, d.sql); !sameFindings(got.Findings, d.want) {
				t.Errorf("%s: found\n%s\nwant\n%s", d.name, strings.Join(lines(got.Findings), "\n"), strings.Join(d.want, "\n"))
			}
		}
	})
}

// The database keeps that one grant of a feature runs, whatever the code above it does.
func TestOnePromotionOfAFeatureRuns(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := promoted(t, db)
		var running []promotion.Promotion
		var h entitlement.Holder
		err := db.Read(s.ctx, env, func(st *store.Tx, now time.Time) (err error) {
			c, err := st.CustomerByRef(s.ctx, env, "runs")
			if err != nil || !c.Promoted {
				t.Errorf("promoted: %t, %v", c.Promoted, err)
			}
			if running, err = st.RunningPromotions(s.ctx, env, c.ID); err != nil {
				return err
			}
			h, err = st.EntitlementHolder(s.ctx, env, "runs", "")
			if err != nil || len(h.Promotions) != 1 || h.Promotions[0].FeatureRef != "feature-reports" || len(h.Subscriptions) != 1 {
				t.Errorf("holder: %+v, %v", h, err)
			}
			over, err := st.EntitlementHolder(s.ctx, env, "over", "")
			if err != nil || len(over.Promotions) != 0 {
				t.Errorf("of one that has ended: %+v, %v", over, err)
			}
			list, err := st.ListPromotions(s.ctx, env, c.ID, promotion.Filter{Statuses: []promotion.Status{promotion.Active}}, now, page.Request{Limit: 1})
			if err != nil || len(list.Items) != 1 {
				t.Errorf("listed: %+v, %v", list, err)
			}
			return nil
		})
		if err != nil || len(running) != 1 || running[0].CustomerRef != "runs" {
			t.Fatalf("running: %+v, %v", running, err)
		}
		second := running[0]
		second.ID = "second"
		err = db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
			st.InsertPromotion(env, second)
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "promotional_entitlements") {
			t.Errorf("a second one that runs: %v", err)
		}
	})
}

package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// busyShop has customers in every state: free, on trial, scheduled, paying, per resource, ended, archived.
func busyShop(t *testing.T, db *store.DB) shop {
	t.Helper()
	s := openShop(t, db)
	for i, plan := range []string{"plan-basic", "plan-pro", "plan-pro", "plan-pro"} {
		must(t)(s.Provision(s.ctx, env, ask(fmt.Sprintf("gone-%d", i), plan)))
	}
	must(t)(s.Archive(s.ctx, env, "gone-1", false))
	must(t)(s.Archive(s.ctx, env, "gone-2", false))
	must(t)(s.Unarchive(s.ctx, env, "gone-2"))
	clk, err := s.Clock(s.ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	must(t)(s.MoveClock(s.ctx, env, clk.Now.Add(20*24*time.Hour)))
	s.journey(t, journey.Settings{EndSetup: journey.DowngradeToFree, DowngradePlanID: "plan-free"}.Normalise())

	must(t)(s.Provision(s.ctx, env, ask("free", "plan-basic")))
	must(t)(s.Provision(s.ctx, env, ask("trial", "plan-pro")))
	must(t)(s.Provision(s.ctx, env, ask("archived", "plan-pro")))
	must(t)(s.Archive(s.ctx, env, "archived", false))
	past, later := clk.Now, clk.Now.Add(30*24*time.Hour)
	for id, start := range map[string]time.Time{"paying": past, "scheduled": later} {
		r := ask(id, "plan-pro")
		r.Subscription.StartDate = &start
		must(t)(s.Provision(s.ctx, env, r))
	}
	return s
}

func verify(t *testing.T, db *store.DB) provisioning.Report {
	t.Helper()
	r, err := db.Verify(context.Background(), env)
	if err != nil {
		t.Fatal(err)
	}
	if r.OK != (len(r.Findings) == 0) {
		t.Errorf("ok is %t with %d findings", r.OK, len(r.Findings))
	}
	return r
}

func TestVerifyFindsNothingInAHealthyDatabase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := busyShop(t, db)
		for i := range 230 { // more than a page
			must(t)(s.Provision(s.ctx, env, ask(fmt.Sprintf("c%d", i), "plan-pro")))
		}
		r := verify(t, db)
		if diff := cmp.Diff([]provisioning.Finding{}, r.Findings); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
		if c := r.Checked; c.Customers != 239 || c.Subscriptions != 239 || c.Timers != 464 || c.Plans != 3 || c.Events < 700 {
			t.Errorf("checked %+v", c)
		}
		if r, err := db.Verify(s.ctx, 2); err != nil || !r.OK || r.Checked.Customers != 0 || r.Checked.Events == 0 {
			t.Errorf("production: %+v, %v", r, err)
		}
		wantCode(t, "an environment that is not there", func() error { _, err := db.Verify(s.ctx, 9); return err }(), errs.IdentityForbidden)
	})
}

// Pruning takes the beginning of a history: what is left still has to fit.
func TestVerifyAfterPruning(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := busyShop(t, db)
		if err := db.AwaitFinal(s.ctx, headOf(t, db)-1); err != nil {
			t.Fatal(err)
		}
		n, err := db.PruneFeed(s.ctx, s.machineNow(t).Add(time.Hour), int(headOf(t, db))/2)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		must(t)(s.Provision(s.ctx, env, ask("new", "plan-pro")))
		if r := verify(t, db); !r.OK {
			t.Errorf("findings: %v", r.Findings)
		}
	})
}

func headOf(t *testing.T, db *store.DB) (head int64) {
	t.Helper()
	err := db.Read(context.Background(), env, func(st *store.Tx, _ time.Time) (err error) {
		head, err = st.FeedHead(context.Background())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func (s shop) machineNow(t *testing.T) (now time.Time) {
	t.Helper()
	must(t)(nil, s.db.Read(s.ctx, env, func(st *store.Tx, _ time.Time) error { now = st.MachineNow(); return nil }))
	return now
}

func (s shop) answer(t *testing.T, customer, route string, status int) {
	t.Helper()
	once := &tx.Once{
		Key: customer + route, Route: route, Content: "x", Customer: customer,
		Render: func(any, error) (int, []byte) { return status, []byte("{}") },
	}
	err := s.db.Write(tx.WithOnce(s.ctx, once), env, func(*store.Tx, time.Time) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// damages are rows made wrong behind the server's back, and the beginnings of what is found. NO KEYS lets references
// dangle; LOW HEAD makes the newest event lie beyond what was given out.
var damages = []struct {
	name, sql string
	want      []string
}{
	{
		"two trials in a scope",
		`drop index subscriptions_one_trial;
		update subscriptions set status = 'IN_TRIAL', end_date = null where ref_id = (select s.ref_id from subscriptions s join customers c on c.id = s.customer_id where c.ref_id = 'gone-3');
		update subscriptions set customer_id = (select id from customers where ref_id = 'trial')
			where customer_id = (select id from customers where ref_id = 'gone-3')`,
		[]string{
			"scope subscription: The customer trial has a second running trial of product-demo beside",
			"timer_missing subscription: The subscription is IN_TRIAL and has no timer TRIAL_END at",
			"trialed_plans customer gone-3: A trial of the plan plan-pro counts as had, and there was none",
		},
	},
	{
		"two running in a scope",
		`drop index subscriptions_one_running;
		update subscriptions set customer_id = (select id from customers where ref_id = 'free') where status = 'ACTIVE'`,
		[]string{
			"scope subscription: The customer free has a second running subscription of product-demo beside",
			"timer_owner subscription: The timer BILLING_PERIOD_ENDS_SOON of",
		},
	},
	{
		"two scheduled in a scope",
		`drop index subscriptions_one_scheduled;
		update subscriptions set status = 'NOT_STARTED', customer_id = (select id from customers where ref_id = 'scheduled') where status = 'IN_TRIAL'`,
		[]string{
			"scope subscription: The customer scheduled has a second scheduled subscription of product-demo beside",
			"timer_missing subscription: The subscription is NOT_STARTED and has no timer SUBSCRIPTION_START at",
			"timer_owner subscription: The timer TRIAL_END of",
			"timer_owner subscription: The timer TRIAL_ENDS_SOON of",
			"trialed_plans customer scheduled: The trial",
			"trialed_plans customer trial: A trial of the plan plan-pro counts as had, and there was none.",
		},
	},
	{
		"a trial without an end", `update subscriptions set trial_end_date = null where status = 'IN_TRIAL'`,
		[]string{
			"subscription_state subscription: The subscription is IN_TRIAL, but its trial has no end.",
			"trialed_plans customer trial: A trial of the plan plan-pro counts as had",
		},
	},
	{
		"ended and running at once", `update subscriptions set end_date = start_date where status in ('ACTIVE') and pricing_type = 'PAID'`,
		[]string{"subscription_state subscription: The subscription is ACTIVE, but it has an end date."},
	},
	{
		"ended without a date", `update subscriptions set end_date = null, cancellation_date = null, cancel_reason = null where status = 'CANCELED' and customer_id = (select id from customers where ref_id = 'archived')`,
		[]string{
			"subscription_state subscription: The subscription is CANCELED, but it has no cancellation date.",
			"subscription_state subscription: The subscription is CANCELED, but it has no end date.",
			"subscription_state subscription: The subscription is CANCELED, but nothing says why it ended.",
		},
	},
	{
		"paying without a cycle", `update subscriptions set billing_cycle_anchor = null where status = 'ACTIVE' and pricing_type = 'PAID'`,
		[]string{"subscription_state subscription: The subscription is ACTIVE, but it has no billing cycle."},
	},
	{
		"a version of another plan",
		`update subscriptions set version_id = (select v.id from package_versions v join packages k on k.id = v.package_id where k.ref_id = 'plan-free')
			where status = 'IN_TRIAL'`,
		[]string{"subscription_plan subscription: Its version is not one of the plan plan-pro."},
	},
	{
		"a version that is not published",
		`update package_versions set status = 'DRAFT', is_latest = FALSE where package_id = (select id from packages where ref_id = 'plan-basic')`,
		[]string{
			"plan_versions plan plan-basic: The plan is published and has 0 versions in force.",
			"subscription_plan subscription: Version 1 of the plan plan-basic is DRAFT, not published.",
			"subscription_plan subscription: Version 1 of the plan plan-basic is DRAFT, not published.",
		},
	},
	{
		"a plan of another product",
		`update packages set product_id = (select id from products where environment = 1 and ref_id <> 'product-demo') where ref_id = 'plan-basic'`,
		[]string{
			"subscription_plan subscription: The plan plan-basic is not one of the product product-demo.",
			"subscription_plan subscription: The plan plan-basic is not one of the product product-demo.",
		},
	},
	{
		"another pricing type", `update subscriptions set pricing_type = 'CUSTOM' where status = 'NOT_STARTED'`,
		[]string{"subscription_plan subscription: It is CUSTOM, version 1 of the plan plan-pro is PAID."},
	},
	{
		"a resource that is not there", `NO KEYS; update subscriptions set resource = 'r1' where status = 'NOT_STARTED'`,
		[]string{"subscription_resource subscription: The customer scheduled has no resource r1."},
	},
	{
		"a product that asks for resources", `NO KEYS; update products set multiple_subscriptions = TRUE where ref_id = 'product-demo';
			delete from timers; delete from subscriptions where status <> 'ACTIVE' or pricing_type <> 'PAID'; delete from customers where ref_id <> 'paying'; delete from events`,
		[]string{
			"feed_event customer paying: The feed has no event customer.created for paying.",
			"feed_event subscription: The feed has no event subscription.created",
			"subscription_resource subscription: The product product-demo has one subscription per resource, and this one is for none.",
		},
	},
	{
		"a trial without its timer", `delete from timers where kind = 'TRIAL_END'`,
		[]string{"timer_missing subscription: The subscription is IN_TRIAL and has no timer TRIAL_END at"},
	},
	{
		"a trial's timer at another time", `update timers set due = '2040-01-01T00:00:00.000000Z' where kind = 'TRIAL_END'`,
		[]string{"timer_missing subscription: The subscription is IN_TRIAL and has no timer TRIAL_END at"},
	},
	{
		"a scheduled one without its timer", `delete from timers where kind = 'SUBSCRIPTION_START'`,
		[]string{"timer_missing subscription: The subscription is NOT_STARTED and has no timer SUBSCRIPTION_START at"},
	},
	{
		"timers of an ended subscription",
		`update timers set subscription_id = (select s.id from subscriptions s join customers c on c.id = s.customer_id where c.ref_id = 'archived'),
			customer_id = (select id from customers where ref_id = 'archived') where kind = 'TRIAL_ENDS_SOON'`,
		[]string{"timer_left subscription: The subscription has ended and still has the timer TRIAL_ENDS_SOON of"},
	},
	{
		"a timer of another customer", `update timers set customer_id = (select id from customers where ref_id = 'free') where kind = 'TRIAL_END'`,
		[]string{"timer_owner subscription: The timer TRIAL_END of"},
	},
	{
		"late timers under a test clock", `update timers set due = '2020-01-01T00:00:00.000000Z' where kind = 'TRIAL_ENDS_SOON'`,
		nil,
	},
	{
		"an archived customer with personal data", `update customers set name = 'Ada', email = 'ada@example.com', fingerprint = '{"a":"b"}', details = '{"passthrough":{"a":1}}' where ref_id = 'archived'`,
		[]string{
			"archived_customer customer archived: The customer is archived and still has a name.",
			"archived_customer customer archived: The customer is archived and still has an email.",
			"archived_customer customer archived: The customer is archived and still has payment data.",
			"archived_customer customer archived: The customer is archived and still has the fingerprint of a request.",
		},
	},
	{
		"an archived customer who has a subscription", `update customers set archived_at = updated_at, name = null, fingerprint = null where ref_id = 'paying'`,
		[]string{"archived_customer customer paying: The customer is archived and has the ACTIVE subscription"},
	},
	{
		"an archived customer with stored answers", `update customers set archived_at = updated_at where ref_id = 'archived'; update idempotency set customer = 'archived'`,
		[]string{"archived_customer customer archived: The customer is archived and 1 stored answers about it are kept."},
	},
	{
		"trials that do not count", `update customers set trialed = '[]' where ref_id = 'trial'; update customers set trialed = '[{"productId":"product-demo","planId":"plan-pro"}]' where ref_id = 'free'`,
		[]string{
			"trialed_plans customer free: A trial of the plan plan-pro counts as had, and there was none.",
			"trialed_plans customer trial: The trial",
		},
	},
	{
		"a plan as an add-on",
		`insert into subscription_addons (environment, subscription_id, addon_id, version_id, price_version_id, quantity)
			select s.environment, s.id, k.id, v.id, v.id, 1 from subscriptions s join customers c on c.id = s.customer_id
			join packages k on k.ref_id = 'plan-free' and k.environment = s.environment join package_versions v on v.package_id = k.id where c.ref_id = 'paying'`,
		[]string{"subscription_plan subscription: Its add-on plan-free has a version that is not a published one of it."},
	},
	{
		"two versions in force",
		`drop index package_versions_one_latest;
		insert into package_versions (environment, id, package_id, version_number, status, is_latest, display_name, pricing_type, created_at, updated_at)
			select environment, 'other', package_id, 2, 'PUBLISHED', is_latest, '', 'FREE', created_at, updated_at
			from package_versions where package_id = (select id from packages where ref_id = 'plan-free')`,
		[]string{"plan_versions plan plan-free: The plan is published and has 2 versions in force."},
	},
	{
		"versions that go back", `update events set version = 0 where type = 'customer.deleted' and entity_id = 'archived'`,
		[]string{"feed_order customer archived: The event at"},
	},
	{
		"a change without its event", `delete from events where entity_id = 'archived' and type in ('customer.deleted', 'entitlements.updated')`,
		[]string{"feed_event customer archived: Stored is version 2, the feed ends with version 1."},
	},
	{
		"no beginning", `delete from events where type = 'customer.created' and entity_id = 'trial'; delete from events where type = 'subscription.created' and customer = 'trial'`,
		[]string{
			"feed_event customer trial: The feed has no event customer.created for trial.",
			"feed_event subscription: The feed has no event subscription.created for",
		},
	},
	{
		"an event without its change", `update customers set version = 1 where ref_id = 'archived'; update events set entity_id = 'nobody' where type = 'feature.created'`,
		[]string{
			"feed_ahead customer archived: The feed tells version 2, stored is version 1.",
			"feed_ahead feature nobody: The feed speaks of it, and it is not there.",
		},
	},
	{
		"an event in the pruned part", `insert into meta (key, value) values ('feed_pruned', '1')`,
		[]string{"feed_pruned event 1: The event"},
	},
	{"a head that fell back", `LOW HEAD`, []string{"feed_head event"}},
	{
		"a first subscription that is not there", `update customers set provisioned_subscription = 'nothing' where ref_id = 'free'`,
		[]string{"reference customer free: Its provisioned_subscription nothing is not among the subscriptions."},
	},
	{
		"rows without their parents",
		`NO KEYS;
		update timers set subscription_id = 'x', customer_id = 'x' where kind = 'SUBSCRIPTION_START';
		update package_entitlements set feature_id = 'x' where version_id = (select id from package_versions where pricing_type = 'PAID');
		update prices set version_id = 'x';
		insert into resources (environment, id, customer_id, ref_id, created_at, updated_at) select environment, 'x', 'x', 'r1', created_at, updated_at from customers where ref_id = 'free'`,
		[]string{
			"reference entitlement: Its feature_id x is not among the features.",
			"reference price: Its version_id x is not among the package_versions.",
			"reference resource r1: Its customer_id x is not among the customers.",
			"reference timer: Its customer_id x is not among the customers.",
			"reference timer: Its subscription_id x is not among the subscriptions and promotional entitlements.",
			"timer_missing subscription: The subscription is NOT_STARTED",
		},
	},
	{
		"subscriptions without their parents",
		`NO KEYS; update subscriptions set product_id = 'x', plan_id = 'y', version_id = 'z' where status = 'NOT_STARTED'`,
		[]string{
			"reference subscription: Its plan_id y is not among the packages.",
			"reference subscription: Its product_id x is not among the products.",
			"reference subscription: Its version_id z is not among the package_versions.",
		},
	},
}

// Every damage is done, looked at and undone in one transaction.
func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := busyShop(t, db)
		s.answer(t, "free", "POST /api/v1/customers", 201)
		s.answer(t, "archived", "POST /api/v1/customers", 409)
		s.answer(t, "archived", "POST /api/v1/customers/{id}/archive", 200)
		for _, d := range damages {
			got := s.damage(t, d.name, d.sql)
			if !sameFindings(got.Findings, d.want) {
				t.Errorf("%s: found\n%s\nwant\n%s", d.name, strings.Join(lines(got.Findings), "\n"), strings.Join(d.want, "\n"))
			}
		}
		if r := verify(t, db); !r.OK {
			t.Errorf("after all that: %v", r.Findings)
		}
	})
}

func TestVerifyFindsLateTimers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db) // in real time
		must(t)(s.Provision(s.ctx, env, ask("trial", "plan-pro")))
		if r := verify(t, db); !r.OK {
			t.Errorf("before: %v", r.Findings)
		}
		got := s.damage(t, "late", `update timers set due = '2020-01-01T00:00:00.000000Z' where kind = 'TRIAL_ENDS_SOON'`)
		want := []string{"timer_overdue subscription: The timer TRIAL_ENDS_SOON has been due since 2020-01-01 00:00:00 UTC. A running server applies it."}
		if !sameFindings(got.Findings, want) {
			t.Errorf("found %v", got.Findings)
		}
	})
}

func TestVerifyListsNoMoreThanAThousand(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		err := db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
			for i := range provisioning.MaxFindings + 10 {
				st.Append(env, event.Event{Type: "customer.updated", Entity: event.Entity{Type: "customer", ID: fmt.Sprint("nobody", i)}})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if r := verify(t, db); len(r.Findings) != provisioning.MaxFindings || !r.More {
			t.Errorf("%d findings, more: %t", len(r.Findings), r.More)
		}
	})
}

// Writers under way must not look like damage.
func TestVerifyBesideWriters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := busyShop(t, db)
		var wg sync.WaitGroup
		var made atomic.Int64
		stop := make(chan struct{})
		for w := range 6 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					id := fmt.Sprintf("w%d-%d", w, i)
					_, err := s.Provision(s.ctx, env, ask(id, "plan-pro"))
					if err == nil && i%2 == 0 {
						_, err = s.Archive(s.ctx, env, id, false)
					}
					if err != nil {
						t.Errorf("a write beside a verification: %v", err)
						return
					}
					made.Add(1)
				}
			})
		}
		for round := range 4 {
			until(t, "customers are made", func() bool { return made.Load() > int64(20*(round+1)) || t.Failed() })
			if r := verify(t, db); !r.OK {
				t.Errorf("findings: %v", r.Findings)
			}
		}
		close(stop)
		wg.Wait()
	})
}

func TestVerifyOneAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		free := db.HoldVerify()
		_, err := db.Verify(s.ctx, env)
		wantCode(t, "a second verification", err, errs.ServiceUnavailable)
		free()
		verify(t, db)
	})
}

// The limit of SQLite's reads is for those that people wait for.
func TestVerifyTakesItsTime(t *testing.T) {
	t.Parallel()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		s := busyShop(t, db)
		db.LimitReads(time.Nanosecond)
		if err := db.Read(s.ctx, env, func(*store.Tx, time.Time) error { return nil }); err == nil {
			t.Error("an ordinary read had time")
		}
		if r := verify(t, db); !r.OK {
			t.Errorf("findings: %v", r.Findings)
		}
		gone, cancel := context.WithCancel(s.ctx)
		cancel()
		if _, err := db.Verify(gone, env); !errors.Is(err, context.Canceled) {
			t.Errorf("for a caller who has left: %v", err)
		}
	})
}

var errUndo = errors.New("undo")

// damage does what nobody does, verifies and undoes it.
func (s shop) damage(t *testing.T, name, text string) (r provisioning.Report) {
	t.Helper()
	noKeys, lowHead := `pragma defer_foreign_keys = 1`, `update sqlite_sequence set seq = seq - 1 where name = 'events'`
	if !s.db.IsSQLite() {
		var drop []string
		for _, key := range []string{
			"timers timers_customer", "package_entitlements package_entitlements_feature", "promotional_entitlements promotional_entitlements_feature",
			"prices prices_version", "resources resources_customer", "subscriptions subscriptions_product",
			"subscriptions subscriptions_plan", "subscriptions subscriptions_version",
		} {
			table, constraint, _ := strings.Cut(key, " ")
			drop = append(drop, "alter table "+table+" drop constraint "+constraint)
		}
		noKeys = strings.Join(drop, ";")
		lowHead = `update events set position = position + 1000 where position = (select max(position) from events where environment = 1)`
	}
	text = strings.NewReplacer("NO KEYS", noKeys, "LOW HEAD", lowHead).Replace(text)
	err := s.db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) (err error) {
		for _, one := range strings.Split(text, ";") {
			st.Exec(one)
		}
		if r, err = st.Verify(s.ctx, env); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Errorf("%s: %v", name, err)
	}
	return r
}

func lines(list []provisioning.Finding) (out []string) {
	for _, f := range list {
		out = append(out, fmt.Sprintf("%s %s %s: %s", f.Kind, f.Entity.Type, f.Entity.ID, f.Message))
	}
	return out
}

// sameFindings reports whether every finding begins like one of want, and the other way round. Generated ids are left
// out of want.
func sameFindings(got []provisioning.Finding, want []string) bool {
	seen := map[string]bool{}
	for _, f := range got {
		i := slices.IndexFunc(want, func(w string) bool {
			return strings.HasPrefix(f.Kind+" "+f.Entity.Type+" "+f.Entity.ID+": "+f.Message, w) ||
				strings.HasPrefix(f.Kind+" "+f.Entity.Type+": "+f.Message, w)
		})
		if i < 0 {
			return false
		}
		seen[want[i]] = true
	}
	return !slices.ContainsFunc(want, func(w string) bool { return !seen[w] })
}

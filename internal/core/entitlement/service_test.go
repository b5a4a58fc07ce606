package entitlement_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestCheck(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("free", "plan-free", "")
		s.provision("pro", "plan-team", "workspace")
		s.provision("nothing", "", "")
		s.provision("gone", "plan-free", "")
		_, err := s.customers.Archive(s.ctx, env, "gone", false)
		s.ok(err)
		for _, tc := range []struct {
			customer, feature, resource string
			requested                   int64
			want                        rules.Reason
		}{
			{"free", "seats", "", 0, ""},
			{"free", "seats", "", 1, ""},
			{"free", "seats", "", 2, rules.RequestedUsageExceedingLimit},
			{"free", "reports", "", 0, rules.NoFeatureEntitlementInSubscription},
			{"free", "unheard-of", "", 0, rules.FeatureNotFound},
			{"free", "seats", "workspace", 0, rules.CustomerResourceNotFound},
			{"pro", "seats", "workspace", 1000, ""},
			{"pro", "reports", "workspace", 0, ""},
			{"pro", "reports", "", 0, rules.NoActiveSubscription},
			{"nothing", "seats", "", 0, rules.NoActiveSubscription},
			{"nothing", "unheard-of", "", 0, rules.FeatureNotFound},
			{"nobody", "seats", "", 0, rules.CustomerNotFound},
			{"gone", "seats", "", 0, rules.CustomerIsArchived},
		} {
			for range 2 { // the second is a hit
				if got := s.check(tc.customer, tc.feature, tc.resource, rules.Ask{RequestedUsage: tc.requested}); got != tc.want {
					s.t.Errorf("%+v: got %q", tc, got)
				}
			}
		}
	})
}

func TestHitsTouchNoSQL(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("pro", "plan-team", "workspace")
		s.provision("nothing", "", "")
		hits := func() {
			s.check("pro", "seats", "workspace", rules.Ask{})
			s.check("pro", "exports", "workspace", rules.Ask{})
			s.check("pro", "unheard-of", "workspace", rules.Ask{})
			s.check("pro", "seats", "", rules.Ask{})
			s.check("nothing", "seats", "", rules.Ask{})
		}
		hits()
		if got := s.reads.Load(); got != 3 {
			s.t.Errorf("%d reads to compile three sets", got)
		}
		hits()
		if got := s.reads.Load(); got != 3 {
			s.t.Errorf("%d reads, of which %d on hits", got, got-3)
		}
		s.check("nobody", "seats", "", rules.Ask{})
		s.check("nobody", "seats", "", rules.Ask{})
		if got := s.reads.Load(); got != 5 {
			s.t.Errorf("an unknown customer was cached: %d reads", got)
		}
	})
}

// Not parallel: allocations are counted for the whole process.
func TestHitsAllocateNothing(t *testing.T) {
	c := clock.At(begin)
	cfg := storetest.New(t, storetest.SQLite)
	cfg.Clock = c
	s := open(t, storetest.Open(t, cfg), c)
	s.provision("ada", "plan-pro", "")
	ask := rules.Ask{RequestedUsage: 1}
	for _, feature := range []string{"seats", "exports", "unheard-of"} {
		s.check("ada", feature, "", ask)
		n := testing.AllocsPerRun(1000, func() { _, _ = s.Check(s.ctx, env, "ada", feature, "", ask) })
		if n != 0 {
			t.Errorf("%s: %v allocations", feature, n)
		}
	}
}

func TestList(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("pro", "plan-team", "workspace")
		for _, tc := range []struct {
			customer, resource string
			denied             rules.Reason
			features           []string
		}{
			{"pro", "workspace", "", []string{"reports", "seats"}},
			{"pro", "", rules.NoActiveSubscription, []string{}},
			{"pro", "other", rules.NoActiveSubscription, []string{}},
			{"nobody", "", rules.CustomerNotFound, []string{}},
		} {
			l, err := s.List(s.ctx, env, tc.customer, tc.resource)
			s.ok(err)
			features := []string{}
			for _, a := range l.Entitlements {
				features = append(features, a.Feature.RefID)
				if !a.Granted || !a.ValidUntil().Equal(begin.AddDate(0, 0, 14)) {
					s.t.Errorf("%+v", a)
				}
			}
			if d := cmp.Diff(tc.features, features); d != "" || l.Denied != tc.denied || l.Entitlements == nil {
				s.t.Errorf("%s %s: %q (-want +got):\n%s", tc.customer, tc.resource, l.Denied, d)
			}
		}
	})
}

// Nobody runs a job here: time alone ends the trial, and the first who asks settles it.
func TestTrialEndsByTime(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("ada", "plan-pro", "")
		many := rules.Ask{RequestedUsage: 5}
		s.clock.Add(14*24*time.Hour - time.Microsecond)
		if got := s.check("ada", "seats", "", many); got != "" {
			s.t.Errorf("on trial: %q", got)
		}
		before := s.settled.Load()
		s.clock.Add(time.Microsecond)
		for range 3 {
			if got := s.check("ada", "seats", "", many); got != rules.RequestedUsageExceedingLimit {
				s.t.Errorf("on the free plan: %q", got)
			}
			if got := s.check("ada", "reports", "", rules.Ask{}); got != rules.NoFeatureEntitlementInSubscription {
				s.t.Errorf("on the free plan: %q", got)
			}
		}
		if got := s.settled.Load() - before; got != 1 {
			s.t.Errorf("settled %d times", got)
		}
	})
}

func TestTestClockMovesChecks(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("ada", "plan-pro", "")
		s.check("ada", "reports", "", rules.Ask{})
		_, err := s.customers.MoveClock(s.ctx, env, begin.AddDate(0, 0, 14))
		s.ok(err)
		if got := s.clocks.Now(env); !got.Equal(begin.AddDate(0, 0, 14)) {
			s.t.Errorf("clock at %s", got)
		}
		if got := s.check("ada", "reports", "", rules.Ask{}); got != rules.NoFeatureEntitlementInSubscription {
			s.t.Errorf("after the trial: %q", got)
		}
	})
}

func TestChangesShowAtOnce(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("ada", "plan-free", "")
		s.check("ada", "seats", "", rules.Ask{})
		name := "Places"
		_, err := s.features.Update(s.ctx, env, "seats", catalog.FeatureUpdate{DisplayName: &name})
		s.ok(err)
		a, err := s.Check(s.ctx, env, "ada", "seats", "", rules.Ask{})
		s.ok(err)
		if a.Feature.DisplayName != name {
			s.t.Errorf("feature is called %q", a.Feature.DisplayName)
		}
		_, err = s.features.Create(s.ctx, env, catalog.NewFeature{ID: "unheard-of", DisplayName: "x", Type: catalog.Boolean})
		s.ok(err)
		if got := s.check("ada", "unheard-of", "", rules.Ask{}); got != rules.NoFeatureEntitlementInSubscription {
			s.t.Errorf("a new feature: %q", got)
		}
		_, err = s.customers.Archive(s.ctx, env, "ada", true)
		s.ok(err)
		if got := s.check("ada", "seats", "", rules.Ask{}); got != rules.CustomerIsArchived {
			s.t.Errorf("archived: %q", got)
		}
	})
}

// Who has a plan keeps the version that they started with.
func TestVersionsArePinned(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("old", "plan-free", "")
		_, err := s.plans.CreateDraft(s.ctx, env, "plan-free")
		s.ok(err)
		_, err = s.plans.UpdateEntitlement(s.ctx, env, "plan-free", "", "seats", catalog.EntitlementUpdate{UsageLimit: opt.Some(int64(7))})
		s.ok(err)
		_, err = s.plans.Publish(s.ctx, env, "plan-free", "")
		s.ok(err)
		s.provision("new", "plan-free", "")
		for ref, want := range map[string]int64{"old": 1, "new": 7} {
			a, err := s.Check(s.ctx, env, ref, "seats", "", rules.Ask{})
			s.ok(err)
			if a.Entitlement == nil || a.Entitlement.Row.Limit != want {
				s.t.Errorf("%s: %+v, want a limit of %d", ref, a.Entitlement, want)
			}
		}
	})
}

func TestCustomersShareRows(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("a", "plan-free", "")
		s.provision("b", "plan-free", "")
		one, err := s.Check(s.ctx, env, "a", "seats", "", rules.Ask{})
		s.ok(err)
		other, err := s.Check(s.ctx, env, "b", "seats", "", rules.Ask{})
		s.ok(err)
		if one.Entitlement != other.Entitlement {
			s.t.Error("customers of one plan version have rows of their own")
		}
	})
}

func TestCheckCurrency(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.provision("ada", "plan-free", "")
		for ref, want := range map[string]rules.Reason{"ada": rules.EntitlementNotFound, "nobody": rules.CustomerNotFound} {
			a, err := s.CheckCurrency(s.ctx, env, ref, "credits", "")
			s.ok(err)
			if a.Reason != want || a.Granted || a.Entitlement != nil {
				s.t.Errorf("%s: %+v, want %s", ref, a, want)
			}
		}
	})
}

// Whoever changed a customer sees the change in the next check, whatever others do meanwhile.
func TestWritersReadWhatTheyWrote(t *testing.T) {
	eachShop(t, func(s *shop) {
		ctx, stop := context.WithCancel(s.ctx)
		var readers, writers sync.WaitGroup
		for r := range 4 {
			readers.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					ref := fmt.Sprintf("c%d", (i+r)%6)
					if _, err := s.Check(ctx, env, ref, "seats", "", rules.Ask{}); err != nil && !errors.Is(err, context.Canceled) {
						s.t.Error(err)
						return
					}
				}
			})
		}
		for w := range 6 {
			writers.Go(func() {
				ref := fmt.Sprintf("c%d", w)
				s.fine(s.create(ref, "plan-free", ""))
				s.expect(ref, "")
				for range 8 {
					_, err := s.customers.Archive(s.ctx, env, ref, true)
					s.fine(err)
					s.expect(ref, rules.CustomerIsArchived)
					_, err = s.customers.Unarchive(s.ctx, env, ref)
					s.fine(err)
					s.expect(ref, rules.NoActiveSubscription)
					name := "Ada"
					_, err = s.customers.Update(s.ctx, env, ref, customer.Update{Name: opt.Some(name)})
					s.fine(err)
					s.expect(ref, rules.NoActiveSubscription)
				}
			})
		}
		writers.Wait()
		stop()
		readers.Wait()
	})
}

// expect and fine are check and ok for goroutines.
func (s *shop) expect(ref string, want rules.Reason) {
	a, err := s.Check(s.ctx, env, ref, "seats", "", rules.Ask{})
	if err != nil || a.Reason != want {
		s.t.Errorf("%s: %q, %v; want %q", ref, a.Reason, err, want)
	}
}

func (s *shop) fine(err error) {
	if err != nil {
		s.t.Error(err)
	}
}

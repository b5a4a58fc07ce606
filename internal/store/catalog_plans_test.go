package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/store"
)

func TestPlanDraftsAndVersions(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.feature("sso", catalog.Boolean, "")
		s.plan("product", "pro", "", nil)
		_, err := s.plans.Publish(s.ctx, s.env, "pro", "")
		s.refuses(err, catalog.ErrPricingTypeNotSet)
		_, err = s.plans.DiscardDraft(s.ctx, s.env, "pro")
		s.refuses(err, errs.IntegrityViolation)
		s.price("pro", "10")
		s.publish("pro")
		first := s.get("pro", catalog.Shown).Latest
		_, err = s.plans.Publish(s.ctx, s.env, "pro", "")
		s.refuses(err, catalog.ErrAlreadyPublished)
		_, err = s.plans.Update(s.ctx, s.env, "pro", catalog.PackageUpdate{Description: opt.Some("x")})
		s.refuses(err, catalog.ErrNoDraft)
		_, err = s.plans.AddEntitlements(s.ctx, s.env, "pro", []catalog.NewEntitlement{{Ref: "sso"}})
		s.refuses(err, catalog.ErrEntitlementsNotDraft)
		_, err = s.plans.RemoveEntitlement(s.ctx, s.env, "pro", "sso")
		s.refuses(err, catalog.ErrEntitlementsNotDraft)
		_, err = s.plans.Get(s.ctx, s.env, "pro", catalog.InDraft)
		s.refuses(err, catalog.ErrPlanNotFound)

		p, err := s.plans.CreateDraft(s.ctx, s.env, "pro")
		s.ok(err)
		again, err := s.plans.CreateDraft(s.ctx, s.env, "pro")
		s.ok(err)
		s.same("second draft", again.Draft, p.Draft)
		if p.Draft.Number != 2 || p.Draft.Prices[0].ID == first.Prices[0].ID {
			s.Errorf("draft: %+v", p.Draft)
		}
		s.price("pro", "20")
		s.entitle("pro", "sso", catalog.EntitlementUpdate{})
		s.same("the published version while drafting", s.get("pro", catalog.Shown).Latest, first)
		s.publish("pro")
		second := s.get("pro", catalog.Shown).Latest
		if second.Number != 2 || !second.IsLatest || second.Prices[0].Price.Amount.String() != "20" || len(second.Entitlements) != 1 {
			s.Errorf("second version: %+v", second)
		}
		s.ok(s.db.Read(s.ctx, s.env, func(st *store.Tx, _ time.Time) error {
			old, err := st.PackageVersion(s.ctx, s.env, first.ID)
			first.IsLatest = false
			s.same("the first version after the second", &old, first)
			_, other := st.PackageVersion(s.ctx, s.env+1, first.ID)
			s.refuses(other, catalog.ErrPlanNotFound)
			return err
		}))
	})
}

func TestPlanDraftIsDiscardedWhole(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.feature("sso", catalog.Boolean, "")
		s.published("product", "pro", catalog.Paid, nil)
		before := s.get("pro", catalog.Shown).Latest
		_, err := s.plans.CreateDraft(s.ctx, s.env, "pro")
		s.ok(err)
		s.entitle("pro", "sso", catalog.EntitlementUpdate{})
		_, err = s.plans.DiscardDraft(s.ctx, s.env, "pro")
		s.ok(err)
		_, err = s.plans.DiscardDraft(s.ctx, s.env, "pro")
		s.refuses(err, catalog.ErrNoDraft)
		after := s.get("pro", catalog.Shown)
		s.same("published version", after.Latest, before)
		if after.Draft != nil {
			s.Errorf("draft: %+v", after.Draft)
		}
		p, err := s.plans.CreateDraft(s.ctx, s.env, "pro")
		s.ok(err)
		if p.Draft.Number != 2 || len(p.Draft.Entitlements) != 0 {
			s.Errorf("new draft: %+v", p.Draft)
		}
	})
}

func TestPlanDetailsNeedNoDraft(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.published("product", "free", catalog.Free, nil)
		on, off := "on", ""
		_, err := s.plans.Update(s.ctx, s.env, "free", catalog.PackageUpdate{
			Metadata:          opt.Some(map[string]*string{"a": &on, "b": &on}),
			HiddenFromWidgets: opt.Some([]string{"CHECKOUT", catalog.Paywall, "CHECKOUT"}), BillingID: opt.Some("bill"),
		})
		s.ok(err)
		p, err := s.plans.Update(s.ctx, s.env, "free", catalog.PackageUpdate{Metadata: opt.Some(map[string]*string{"a": nil, "b": &off, "c": &on})})
		s.ok(err)
		s.same("metadata", p.Metadata, map[string]string{"c": "on"})
		s.same("hidden from", s.get("free", catalog.Shown).HiddenFromWidgets, []string{"CHECKOUT", catalog.Paywall})
		_, err = s.plans.Get(s.ctx, s.env, "free", catalog.Public)
		s.refuses(err, catalog.ErrPlanNotFound)
		if snap, _ := s.snapshot().Plan("free"); snap.Metadata["c"] != "on" {
			s.Errorf("snapshot: %+v", snap)
		}
		n := len(s.events())
		_, err = s.plans.Update(s.ctx, s.env, "free", catalog.PackageUpdate{Metadata: opt.Some(map[string]*string{"a": nil})})
		s.ok(err)
		if len(s.events()) != n {
			s.Errorf("an update that changes nothing left an event: %v", s.events()[n:])
		}
	})
}

func TestEntitlementsOfADraft(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.feature("seats", catalog.Number, catalog.Fluctuating)
		s.plan("product", "pro", catalog.Free, nil)
		s.entitle("pro", "seats", catalog.EntitlementUpdate{UsageLimit: opt.Some(int64(5))})
		f, err := s.features.Get(s.ctx, s.env, "seats")
		s.ok(err)
		if f.Status != catalog.FeatureActive || f.Version != 2 {
			s.Errorf("feature after its first use: %+v", f)
		}
		_, err = s.plans.AddEntitlements(s.ctx, s.env, "pro", []catalog.NewEntitlement{
			{Ref: "seats", EntitlementUpdate: catalog.EntitlementUpdate{Unlimited: opt.Some(true)}},
		})
		s.refuses(err, errs.Duplicated)
		_, err = s.plans.AddEntitlements(s.ctx, s.env, "pro", nil)
		s.refuses(err, errs.BadUserInput)
		_, err = s.plans.UpdateEntitlement(s.ctx, s.env, "pro", "", "seats", catalog.EntitlementUpdate{UsageLimit: opt.Some(int64(-5))})
		s.refuses(err, errs.InvalidArgument)
		e, err := s.plans.UpdateEntitlement(s.ctx, s.env, "pro", "", "seats", catalog.EntitlementUpdate{Unlimited: opt.Some(true)})
		s.ok(err)
		s.same("changed entitlement", s.get("pro", catalog.Shown).Draft.Entitlements, e.Rows)
		removed, err := s.plans.RemoveEntitlement(s.ctx, s.env, "pro", "seats")
		s.ok(err)
		s.same("removed entitlement", removed.Rows, e.Rows)
		_, err = s.plans.UpdateEntitlement(s.ctx, s.env, "pro", "", "seats", catalog.EntitlementUpdate{})
		s.refuses(err, catalog.ErrEntitlementNotFound)
	})
}

func TestConcurrentDraftsAreOne(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.published("product", "free", catalog.Free, nil)
		drafts := make([]string, 8)
		var wg sync.WaitGroup
		for i := range drafts {
			wg.Go(func() {
				p, err := s.plans.CreateDraft(s.ctx, s.env, "free")
				if err != nil {
					s.Error(err)
					return
				}
				drafts[i] = p.Draft.ID
			})
		}
		wg.Wait()
		for _, id := range drafts[1:] {
			if id != drafts[0] {
				s.Fatalf("several drafts: %v", drafts)
			}
		}
	})
}

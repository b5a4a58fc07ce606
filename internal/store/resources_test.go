package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// Resources are listed per customer, in the order of their making.
func TestResourceLists(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		made := clock.Business(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
		add := func(env tenant.ID, ref string, resources ...string) {
			t.Helper()
			c, err := s.Provision(s.ctx, env, provisioning.Request{New: customer.New{ID: ref}})
			if err != nil {
				t.Fatal(err)
			}
			err = db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
				for _, r := range resources {
					st.InsertResource(env, provisioning.Resource{ID: id.New(), CustomerID: c.Customer.ID, RefID: r, CreatedAt: made})
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		add(env, "c1", "site-c", "site-a", "site-e", "site-b", "site-d", "site-a")
		add(env, "c2", "other")
		add(env, "c3")
		add(env+1, "c1", "foreign")
		list := func(env tenant.ID, ref string, p page.Request) page.Of[provisioning.Resource] {
			t.Helper()
			got, err := s.Resources(s.ctx, env, ref, p)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		same := func(name string, got page.Of[provisioning.Resource], want ...string) {
			t.Helper()
			var refs []string
			for _, r := range got.Items {
				if r.ID == "" || r.CustomerID == "" || !r.CreatedAt.Equal(made) || !r.UpdatedAt.Equal(made) {
					t.Errorf("%s: %+v", name, r)
				}
				refs = append(refs, r.RefID)
			}
			if d := cmp.Diff(want, refs); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
		first := list(env, "c1", page.Request{Limit: 2})
		same("first page", first, "site-c", "site-a")
		second := list(env, "c1", page.Request{Limit: 2, After: first.Next})
		same("second page", second, "site-e", "site-b")
		same("last page", list(env, "c1", page.Request{Limit: 2, After: second.Next}), "site-d")
		same("back", list(env, "c1", page.Request{Limit: 2, Before: second.Prev}), "site-c", "site-a")
		same("of another customer", list(env, "c2", page.Request{Limit: 9}), "other")
		same("of nobody", list(env, "c3", page.Request{Limit: 9}))
		same("elsewhere", list(env+1, "c1", page.Request{Limit: 9}), "foreign")

		for name, tc := range map[string]struct {
			env    tenant.ID
			ref    string
			cursor string
			want   error
		}{
			"the cursor of another customer":    {env, "c2", first.Next, errs.BadUserInput},
			"the cursor of another environment": {env + 1, "c1", first.Next, errs.BadUserInput},
			"an unknown customer":               {env, "c4", "", customer.ErrNotFound},
			"a customer of another environment": {env + 1, "c2", "", customer.ErrNotFound},
		} {
			if _, err := s.Resources(s.ctx, tc.env, tc.ref, page.Request{Limit: 2, After: tc.cursor}); !errors.Is(err, tc.want) {
				t.Errorf("%s: %v, want %v", name, err, tc.want)
			}
		}
		must(t)(s.Archive(s.ctx, env, "c2", false))
		if _, err := s.Resources(s.ctx, env, "c2", page.Request{Limit: 2}); !errors.Is(err, customer.ErrNotFound) {
			t.Errorf("an archived customer: %v", err)
		}
	})
}

package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// Several customers are read as one is; those that do not exist, or elsewhere, are missing.
func TestCustomersByRef(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		for _, ref := range []string{"b", "a", "c"} {
			name := "Name of " + ref
			must(t)(s.Provision(s.ctx, env, provisioning.Request{New: customer.New{ID: ref, Name: &name, Metadata: map[string]string{"k": ref}}}))
		}
		must(t)(s.Provision(s.ctx, env+1, provisioning.Request{New: customer.New{ID: "d"}}))
		must(t)(s.Archive(s.ctx, env, "c", false))
		refs := []string{"c", "d", "b", "nobody"}
		err := db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
			want := map[string]customer.Customer{}
			for _, ref := range []string{"b", "c"} {
				c, err := st.CustomerByRef(s.ctx, env, ref)
				if err != nil {
					return err
				}
				want[ref] = c
			}
			held, err := st.LockCustomers(s.ctx, env, refs)
			if err != nil {
				return err
			}
			read, err := st.CustomersByRef(s.ctx, env, refs)
			for name, got := range map[string]map[string]customer.Customer{"held": held, "read": read} {
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s (-want +got):\n%s", name, d)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

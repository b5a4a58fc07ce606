package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/store"
)

func TestCatalogSnapshot(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.plan("product", "pro", catalog.Paid, nil)
		empty := s.snapshot()
		if p, ok := empty.Plan("pro"); !ok || p.Latest != nil || p.Status != catalog.Draft {
			s.Errorf("a draft in the snapshot: %+v", p)
		}
		s.price("pro", "10")
		if s.snapshot() != empty {
			s.Error("an edited draft made a new snapshot")
		}
		s.publish("pro")
		published := s.snapshot()
		if p, _ := published.Plan("pro"); p.Latest == nil || len(p.Latest.Prices) != 1 {
			s.Errorf("the published plan: %+v", p)
		}

		// A transaction sees its own change, and nobody does when it is undone.
		undone := errors.New("undone")
		err := s.db.Write(s.ctx, s.env, func(st *store.Tx, now time.Time) error {
			st.InsertProduct(s.env, catalog.Product{ID: "1", RefID: "gone", Metadata: map[string]string{}, PlanOrder: []string{}, Status: catalog.Published, CreatedAt: now, UpdatedAt: now})
			st.TouchCatalog(s.env)
			own, err := st.Catalog(s.ctx, s.env)
			if err != nil {
				return err
			}
			if _, ok := own.Product("gone"); !ok {
				s.Error("the transaction does not see its own product")
			}
			return undone
		})
		if !errors.Is(err, undone) {
			s.Errorf("write: %v", err)
		}
		if _, ok := s.snapshot().Product("gone"); ok {
			s.Error("an undone product is in the snapshot")
		}
		s.product("next")
		if _, ok := s.snapshot().Product("next"); !ok {
			s.Error("the snapshot is stale")
		}
		if n := s.in(2).snapshot().Version; n != 0 {
			s.Errorf("the other environment is at version %d", n)
		}
	})
}

// Writers publish while others read: whoever begins after a publication was answered sees it.
func TestCatalogSnapshotIsNeverOlderThanAnAnswer(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 10 {
					ref := fmt.Sprintf("plan-%d-%d", w, i)
					if err := s.publishAndSee(ref); err != nil {
						s.Errorf("%s: %v", ref, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func (s shelf) publishAndSee(ref string) error {
	_, err := s.plans.Create(s.ctx, s.env, catalog.NewPackage{ID: ref, ProductID: "product", DisplayName: ref, PricingType: catalog.Free})
	if err != nil {
		return err
	}
	if _, err := s.plans.Publish(s.ctx, s.env, ref, ""); err != nil {
		return err
	}
	see := func(st *store.Tx, _ time.Time) error {
		snap, err := st.Catalog(s.ctx, s.env)
		if err != nil {
			return err
		}
		if p, ok := snap.Plan(ref); !ok || p.Latest == nil {
			return errors.New("is not in the snapshot")
		}
		return nil
	}
	return errors.Join(s.db.Read(s.ctx, s.env, see), s.db.Write(s.ctx, s.env, see))
}

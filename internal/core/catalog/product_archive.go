package catalog

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// Archive archives a product with all its plans and add-ons. Subscriptions go on. Archiving it again changes nothing.
func (s *Products) Archive(ctx context.Context, env tenant.ID, ref string) (Product, error) {
	return s.move(ctx, env, ref, Archived, func(st Store, product *Product, packages []Package, now time.Time) {
		for i := range packages {
			if p := &packages[i]; p.Status != Archived {
				p.Status, p.ArchivedWith = Archived, true
				p.saveAs(ctx, deleted, p.Shown(), st, env, now)
			}
		}
		product.saveAs(ProductDeleted, st, env, now)
	})
}

// Unarchive restores a product and exactly the packages that were archived with it.
func (s *Products) Unarchive(ctx context.Context, env tenant.ID, ref string) (Product, error) {
	return s.move(ctx, env, ref, Published, func(st Store, product *Product, packages []Package, now time.Time) {
		for i := range packages {
			if p := &packages[i]; p.ArchivedWith {
				p.Status, p.ArchivedWith = p.unarchived(), false
				p.saveAs(ctx, unarchived, p.Shown(), st, env, now)
			}
		}
		product.saveAs(ProductUnarchived, st, env, now)
	})
}

func (s *Products) move(ctx context.Context, env tenant.ID, ref, status string, do func(Store, *Product, []Package, time.Time)) (Product, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Product, error) {
		p, err := st.LockProduct(ctx, env, ref)
		if err != nil || p.Status == status {
			return p, err
		}
		packages, err := st.PackagesOfProduct(ctx, env, p.ID)
		if err != nil {
			return p, err
		}
		p.Status = status
		do(st, &p, packages, now)
		return p, nil
	}, tx.Lock{Kind: tx.Product, Ref: ref})
}

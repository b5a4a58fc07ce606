package catalog

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/journey"
)

// Products are the use cases of products.
type Products struct{ db tx.Runner[Store] }

// NewProducts returns the use cases on a database.
func NewProducts(db tx.Runner[Store]) *Products { return &Products{db} }

// Create makes a product with the default customer journey. It is published at once.
func (s *Products) Create(ctx context.Context, env tenant.ID, in NewProduct) (Product, error) {
	if err := in.Validate(); err != nil {
		return Product{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Product, error) {
		p := in.product(now)
		st.InsertProduct(env, p)
		st.TouchCatalog(env)
		st.Append(env, p.event(ProductCreated))
		return p, nil
	})
}

// Get reads a product, archived ones too unless publishedOnly.
func (s *Products) Get(ctx context.Context, env tenant.ID, ref string, publishedOnly bool) (Product, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (Product, error) {
		p, err := st.ProductByRef(ctx, env, ref)
		if err == nil && publishedOnly && p.Status != Published {
			err = ErrProductNotFound
		}
		return p, err
	})
}

// List reads a page of products.
func (s *Products) List(ctx context.Context, env tenant.ID, f ProductFilter, p page.Request) (page.Of[Product], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Product], error) {
		return st.ListProducts(ctx, env, f, p)
	})
}

// Update changes a product. New settings affect later provisioning, updates and cancellations only.
func (s *Products) Update(ctx context.Context, env tenant.ID, ref string, in ProductUpdate) (Product, error) {
	if err := in.Validate(); err != nil {
		return Product{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Product, error) {
		p, err := st.LockProduct(ctx, env, ref)
		if err != nil {
			return p, err
		}
		before := p
		var c errs.Checks
		in.apply(&c, &p)
		if err := changeMultiple(ctx, st, env, &c, &p, in.MultipleSubscriptions); err != nil {
			return p, err
		}
		if err := changeSettings(ctx, st, env, &c, &p, in.Settings); err != nil {
			return p, err
		}
		if err := changePlanOrder(ctx, st, env, &c, &p, in.PlanOrder); err != nil {
			return p, err
		}
		if err := c.Err(); err != nil || reflect.DeepEqual(before, p) {
			return p, err
		}
		p.saveAs(ProductUpdated, st, env, now)
		return p, nil
	}, tx.Lock{Kind: tx.Product, Ref: ref})
}

// saveAs writes a changed product and says so.
func (p *Product) saveAs(typ string, st Store, env tenant.ID, now time.Time) {
	p.Version++
	p.UpdatedAt = now
	st.UpdateProduct(env, *p)
	st.TouchCatalog(env)
	st.Append(env, p.event(typ))
}

// changeMultiple refuses a change once anybody subscribed to the product.
func changeMultiple(ctx context.Context, st Store, env tenant.ID, c *errs.Checks, p *Product, want *bool) error {
	if want == nil || *want == p.MultipleSubscriptions {
		return nil
	}
	used, err := st.HasSubscriptions(ctx, env, p.ID)
	if err != nil {
		return err
	}
	if used {
		c.Rule("multipleSubscriptions", "cannot change once the product has subscriptions")
	}
	p.MultipleSubscriptions = *want
	return nil
}

// changeSettings checks new settings against the plans as they are now; the locked product keeps them so.
func changeSettings(ctx context.Context, st Store, env tenant.ID, c *errs.Checks, p *Product, want *journey.Settings) error {
	if want == nil {
		return nil
	}
	p.Settings = want.Normalise()
	var failed error
	plan := func(ref string) (journey.Plan, bool) {
		found, err := st.PackageByRef(ctx, env, KindPlan, ref)
		if err != nil && !errors.Is(err, ErrPlanNotFound) {
			failed = err
		}
		return found.ForJourney(), err == nil
	}
	product := func(ref string) bool {
		_, err := st.ProductByRef(ctx, env, ref)
		if err != nil && !errors.Is(err, ErrProductNotFound) {
			failed = err
		}
		return err == nil
	}
	p.Settings.Check(c, p.RefID, plan, product)
	return failed
}

// changePlanOrder checks that the order names plans of the product.
func changePlanOrder(ctx context.Context, st Store, env tenant.ID, c *errs.Checks, p *Product, want opt.Of[[]string]) error {
	if !want.Set {
		return nil
	}
	p.PlanOrder = append([]string{}, want.Value...)
	if len(p.PlanOrder) == 0 {
		return nil
	}
	links, err := st.LinksOfProduct(ctx, env, p.ID)
	if err != nil {
		return err
	}
	checkPlanOrder(c, "planOrder", links, p.PlanOrder)
	return nil
}

func checkPlanOrder(c *errs.Checks, path string, links Links, order []string) {
	for i, ref := range order {
		at := fmt.Sprintf("%s[%d]", path, i)
		if links.status(KindPlan, ref) == "" {
			c.Named(ErrPlanNotFound, at, "the product has no plan %s", ref)
		}
		if slices.Contains(order[:i], ref) {
			c.Rule(at, "is there twice")
		}
	}
}

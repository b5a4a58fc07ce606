package catalog

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// Packages are the use cases of plans, or of add-ons: their drafts, entitlements and prices.
type Packages struct {
	db      tx.Runner[Store]
	kind    Kind
	checked Checked
	moves   Migrations
}

// Migrations moves subscriptions to the latest version of a package; provisioning has it.
type Migrations interface {
	// Start makes the task for it in the publish's own transaction, and Run begins with it once that has committed.
	Start(st Store, env tenant.ID, kind Kind, packageID string) (taskID string)
	Run(env tenant.ID, taskID string)
}

// WithMigrations returns the same use cases, which can publish for all customers.
func (s *Packages) WithMigrations(m Migrations) *Packages {
	c := *s
	c.moves = m
	return &c
}

// Checked tells which features this process has been asked about lately; see publish_warn.go. Nil for none.
type Checked interface {
	Checked(env tenant.ID, featureRef string) bool
}

// NewPlans returns the use cases of plans on a database.
func NewPlans(db tx.Runner[Store], checked Checked) *Packages {
	return &Packages{db: db, kind: KindPlan, checked: checked}
}

// NewAddons returns the use cases of add-ons on a database.
func NewAddons(db tx.Runner[Store], checked Checked) *Packages {
	return &Packages{db: db, kind: KindAddon, checked: checked}
}

// View says which side of a package is read.
type View uint8

// The views.
const (
	Shown   View = iota // the published version, else the draft
	InDraft             // the draft; not found without one
	Public              // what client keys see: published, not hidden
)

// version is what a view shows of the package.
func (p Package) version(v View) (*Version, error) {
	switch {
	case v == InDraft && p.Draft == nil:
		return nil, p.Kind.NotFound().Because("%s has no draft.", p.RefID)
	case v == InDraft:
		return p.Draft, nil
	case v == Public && !p.Visible():
		return nil, p.Kind.NotFound()
	}
	return p.Shown(), nil
}

// Create makes a package as a draft.
func (s *Packages) Create(ctx context.Context, env tenant.ID, in NewPackage) (Package, error) {
	if err := in.Validate(); err != nil {
		return Package{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Package, error) {
		product, err := productForPackage(ctx, st, env, in.ProductID)
		if err != nil {
			return Package{}, err
		}
		p := in.pkg(s.kind, product, now)
		p.ChangedBy = event.ActorFrom(ctx)
		e := edit{ctx: ctx, st: st, env: env, now: now, product: product, pkg: p}
		var c errs.Checks
		if err := e.checkLinks(&c, PackageUpdate{Parent: opt.Of[string]{Set: in.ParentID != "", Value: in.ParentID}}); err != nil {
			return Package{}, err
		}
		if err := c.Err(); err != nil {
			return Package{}, err
		}
		p.insert(st, env)
		st.TouchCatalog(env)
		return p, nil
	})
}

func productForPackage(ctx context.Context, st Store, env tenant.ID, ref string) (p Product, err error) {
	if ref == "" {
		p, err = st.LockDefaultProduct(ctx, env)
	} else {
		p, err = st.LockProduct(ctx, env, ref)
	}
	if err == nil && p.Status == Archived {
		err = errs.InvalidArgument.At("productId", "The product %s is archived.", p.RefID)
	}
	return p, err
}

// Get reads a package with the versions that the view allows: Shown both, the others one.
func (s *Packages) Get(ctx context.Context, env tenant.ID, ref string, view View) (Package, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (Package, error) {
		p, err := st.PackageByRef(ctx, env, s.kind, ref)
		if err != nil {
			return p, err
		}
		if _, err = p.version(view); err != nil {
			return p, err
		}
		switch view {
		case InDraft:
			p.Latest = nil
		case Public:
			p.Draft = nil
		case Shown:
		}
		return p, nil
	})
}

// List reads a page of packages.
func (s *Packages) List(ctx context.Context, env tenant.ID, f PackageFilter, p page.Request) (page.Of[Package], error) {
	f.Kind = s.kind
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Package], error) {
		return st.ListPackages(ctx, env, f, p)
	})
}

// Charges reads a page of a version's prices: those of its charges, or those of its overage. Of add-ons, whose
// overage has no list of its own, both.
func (s *Packages) Charges(ctx context.Context, env tenant.ID, ref string, view View, overage bool, p page.Request) (page.Of[Price], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Price], error) {
		pkg, err := st.PackageByRef(ctx, env, s.kind, ref)
		if err != nil {
			return page.Of[Price]{}, err
		}
		v, err := pkg.version(view)
		if err != nil {
			return page.Of[Price]{}, err
		}
		var prices []Price
		for _, price := range v.Prices {
			if price.Overage == overage || s.kind == KindAddon {
				prices = append(prices, price)
			}
		}
		return page.Slice(p, prices, func(p Price) string { return p.ID })
	})
}

// Update changes a package and its draft. Without a draft it changes what needs none, or is ErrNoDraft.
func (s *Packages) Update(ctx context.Context, env tenant.ID, ref string, in PackageUpdate, match ...IfVersion) (Package, error) {
	if err := in.Validate(); err != nil {
		return Package{}, err
	}
	return editPackage(ctx, s, env, ref, match, func(e edit) (Package, error) {
		before := e.pkg
		var c errs.Checks
		in.applyPackage(&c, &e.pkg)
		details, drafted := !reflect.DeepEqual(before, e.pkg), false
		if in.needsDraft() {
			was, err := e.updateDraft(&c, in)
			if err != nil {
				return e.pkg, err
			}
			drafted = !Compare(was, e.pkg.Draft).Empty()
		}
		if err := c.Err(); err != nil {
			return e.pkg, err
		}
		if details {
			e.save(detailsUpdated, e.pkg.Shown())
			e.st.TouchCatalog(env)
		}
		if drafted {
			for _, write := range e.writes {
				write()
			}
			e.saveDraft(draftUpdated)
		}
		return e.pkg, nil
	})
}

// updateDraft changes the draft and records what is wrong with the change. It returns the draft as it was.
func (e *edit) updateDraft(c *errs.Checks, in PackageUpdate) (*Version, error) {
	v, err := e.draft(ErrNoDraft)
	if err != nil {
		return nil, err
	}
	was := *v
	was.Entitlements = slices.Clone(v.Entitlements)
	if err := in.applyDraft(c, v); err != nil {
		return nil, err
	}
	if err := e.checkLinks(c, in); err != nil {
		return nil, err
	}
	if in.Pricing != nil {
		err = e.price(c, v, in.Pricing)
	}
	return &was, err
}

// price gives the draft new pricing, with the entitlements that its overage includes.
func (e *edit) price(c *errs.Checks, v *Version, p *Pricing) error {
	refs := p.features()
	features, err := lockFeatures(e.ctx, e.st, e.env, refs)
	if err != nil {
		return err
	}
	p.checkFeatures(c, "charges", features, v.uses)
	included := v.include(c, "charges", p, features, e.now)
	if c.Failed() {
		return nil // Update answers with it
	}
	v.PricingType, v.OveragePeriod = p.Type, p.overagePeriod()
	v.Prices = p.prices(features, e.now)
	e.writes = append(e.writes, func() { e.st.ReplacePrices(e.env, v.ID, v.Prices) })
	for _, row := range included {
		write := e.st.InsertEntitlement
		if v.put(row) {
			write = e.st.UpdateEntitlement
		}
		e.writes = append(e.writes, func() { write(e.env, v.ID, row) })
	}
	e.writes = append(e.writes, func() { e.activate(features, refs...) })
	return nil
}

func (p *Pricing) overagePeriod() string {
	switch {
	case len(p.Overage) == 0:
		return ""
	case p.OveragePeriod == "":
		return OnSubscriptionRenewal
	}
	return p.OveragePeriod
}

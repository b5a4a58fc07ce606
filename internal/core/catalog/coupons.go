package catalog

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// The bounds of a coupon (domain-catalog-provisioning §0.3, §3.10).
const (
	maxCouponName   = 40
	maxCouponMonths = 1200
)

// Coupons are the use cases of coupons.
type Coupons struct{ db tx.Runner[Store] }

// NewCoupons returns the use cases on a database.
func NewCoupons(db tx.Runner[Store]) *Coupons { return &Coupons{db} }

// NewCoupon is a coupon to be made: PercentOff or AmountsOff. An empty ID lets one be made.
type NewCoupon struct {
	ID               string
	Name             string
	Description      *string
	PercentOff       *money.Decimal // a whole number
	AmountsOff       []money.Money
	DurationInMonths *int64
	Metadata         map[string]string
}

// Validate names every bad field.
func (n NewCoupon) Validate() error {
	var c errs.Checks
	checkRef(&c, "id", n.ID)
	n.check(&c, "")
	return c.Err()
}

func (n NewCoupon) check(c *errs.Checks, path string) {
	checkCouponName(c, path+"name", n.Name)
	checkText(c, path+"description", n.Description)
	metadata.Check(c, path+"metadata", n.Metadata)
	if n.DurationInMonths != nil && (*n.DurationInMonths < 1 || *n.DurationInMonths > maxCouponMonths) {
		c.Rule(path+"durationInMonths", "must be from 1 to %d; null is for ever", maxCouponMonths)
	}
	switch {
	case n.PercentOff == nil && len(n.AmountsOff) == 0:
		c.Rule(path+"percentOff", "give percentOff or amountsOff")
	case n.PercentOff != nil && len(n.AmountsOff) > 0:
		c.Rule(path+"amountsOff", "cannot be combined with percentOff")
	}
	if n.PercentOff != nil {
		if _, ok := n.percent(); !ok {
			c.Rule(path+"percentOff", "must be a whole number from 1 to 100")
		}
	}
	seen := map[money.Currency]bool{}
	for i, m := range n.AmountsOff {
		at := fmt.Sprintf("%samountsOff[%d]", path, i)
		cur := cmp.Or(m.Currency, money.USD)
		switch {
		case !cur.Valid():
			c.Shape(at+".currency", "is not a supported lower-case ISO 4217 code")
		case seen[cur]:
			c.Rule(at+".currency", "there is an amount in %s already", cur)
		case m.Amount.Sign() <= 0:
			c.Rule(at+".amount", "must be more than 0")
		case m.Amount.Scale() > cur.MinorUnits():
			c.Rule(at+".amount", "may have at most %d decimal places in %s", cur.MinorUnits(), cur)
		case money.SizeIssue(m.Amount) != "":
			c.Rule(at+".amount", "%s", money.SizeIssue(m.Amount))
		}
		seen[cur] = true
	}
}

func checkCouponName(c *errs.Checks, path, name string) {
	if strings.TrimSpace(name) == "" {
		c.Shape(path, "must not be empty")
	}
	if utf8.RuneCountInString(name) > maxCouponName {
		c.Shape(path, "must not be longer than %d characters", maxCouponName)
	}
}

// percent is the percentage as a number from 1 to 100.
func (n NewCoupon) percent() (int64, bool) {
	for p := int64(1); p <= 100; p++ {
		if n.PercentOff.Equal(money.FromInt(p)) {
			return p, true
		}
	}
	return 0, false
}

func (n NewCoupon) coupon(now time.Time) Coupon {
	c := Coupon{
		ID: id.New(), RefID: refOr(n.ID, "coupon"), Name: n.Name, Description: n.Description,
		DurationInMonths: n.DurationInMonths, Source: SourceCatalog, Status: Active, Metadata: metadata.Given(n.Metadata),
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if n.PercentOff != nil {
		p, _ := n.percent()
		c.PercentOff = &p
	}
	for _, m := range n.AmountsOff {
		c.AmountsOff = append(c.AmountsOff, *inCurrency(&m))
	}
	slices.SortFunc(c.AmountsOff, func(a, b money.Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return c
}

// CouponUpdate is a partial change (contract §1.4). What a coupon takes off never changes.
type CouponUpdate struct {
	Name        *string
	Description opt.Of[string]
	Metadata    opt.Of[map[string]*string]
}

// Validate names every bad field.
func (u CouponUpdate) Validate() error {
	var c errs.Checks
	if u.Name != nil {
		checkCouponName(&c, "name", *u.Name)
	}
	checkOpt(&c, "description", u.Description)
	metadata.CheckPatch(&c, "metadata", u.Metadata.Value)
	return c.Err()
}

// Create makes a coupon of the catalog.
func (s *Coupons) Create(ctx context.Context, env tenant.ID, in NewCoupon) (Coupon, error) {
	if err := in.Validate(); err != nil {
		return Coupon{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Coupon, error) {
		c := in.coupon(now)
		st.InsertCoupon(env, c)
		st.Append(env, c.event(CouponCreated))
		return c, nil
	})
}

// Get reads a coupon, archived ones too.
func (s *Coupons) Get(ctx context.Context, env tenant.ID, ref string) (Coupon, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (Coupon, error) { return st.CouponByRef(ctx, env, ref) })
}

// List reads a page of coupons.
func (s *Coupons) List(ctx context.Context, env tenant.ID, f CouponFilter, p page.Request) (page.Of[Coupon], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Coupon], error) {
		return st.ListCoupons(ctx, env, f, p)
	})
}

// Update changes how a coupon is shown.
func (s *Coupons) Update(ctx context.Context, env tenant.ID, ref string, in CouponUpdate) (Coupon, error) {
	if err := in.Validate(); err != nil {
		return Coupon{}, err
	}
	return s.change(ctx, env, ref, func(st Store, c *Coupon, now time.Time) error {
		before := *c
		var checks errs.Checks
		if in.Name != nil {
			c.Name = *in.Name
		}
		in.Description.Apply(&c.Description)
		c.Metadata = patchMetadata(&checks, c.Metadata, in.Metadata)
		if err := checks.Err(); err != nil || reflect.DeepEqual(before, *c) {
			return err
		}
		c.saveAs(CouponUpdated, st, env, now)
		return nil
	})
}

// Archive ends new uses of a coupon; those that have it keep it. Doing it again changes nothing.
func (s *Coupons) Archive(ctx context.Context, env tenant.ID, ref string) (Coupon, error) {
	return s.change(ctx, env, ref, func(st Store, c *Coupon, now time.Time) error {
		if c.Status != Archived {
			c.Status = Archived
			c.saveAs(CouponArchived, st, env, now)
		}
		return nil
	})
}

func (s *Coupons) change(ctx context.Context, env tenant.ID, ref string, do func(Store, *Coupon, time.Time) error) (Coupon, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Coupon, error) {
		c, err := st.LockCoupon(ctx, env, ref)
		if err != nil {
			return c, err
		}
		err = do(st, &c, now)
		return c, err
	})
}

func (c *Coupon) saveAs(typ string, st Store, env tenant.ID, now time.Time) {
	c.Version++
	c.UpdatedAt = now
	st.UpdateCoupon(env, *c)
	st.Append(env, c.event(typ))
}

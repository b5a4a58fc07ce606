package catalog

import (
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
)

// The longest default trials.
const (
	maxTrialDays   = 3650
	maxTrialMonths = 120
)

// NewPackage is a plan or an add-on to be made. An empty ID lets one be made, an empty ProductID is the default product,
// an empty PricingType leaves it unpriced.
type NewPackage struct {
	ID                string
	ProductID         string // refId
	DisplayName       string
	Description       *string
	BillingID         *string
	Metadata          map[string]string
	HiddenFromWidgets []string
	PricingType       string
	Status            string // "" or DRAFT

	Trial       *Trial // of plans
	ParentID    string // of plans: refId
	MaxQuantity *int64 // of add-ons
}

// Validate names every bad field.
func (n NewPackage) Validate() error {
	var c errs.Checks
	checkRef(&c, "id", n.ID)
	checkName(&c, n.DisplayName)
	checkText(&c, "description", n.Description)
	checkText(&c, "billingId", n.BillingID)
	metadata.Check(&c, "metadata", n.Metadata)
	checkWidgets(&c, "hiddenFromWidgets", n.HiddenFromWidgets)
	if n.PricingType != "" {
		checkPricingType(&c, "pricingType", n.PricingType)
	}
	if n.Status != "" && n.Status != Draft {
		c.Rule("status", "must be DRAFT: what is new begins as a draft")
	}
	n.Trial.check(&c, trialPath)
	n.Trial.checkFor(&c, trialPath, n.PricingType)
	checkMaxQuantity(&c, "maxQuantity", n.MaxQuantity)
	return c.Err()
}

func checkMaxQuantity(c *errs.Checks, path string, n *int64) {
	if n != nil && (*n < 1 || *n > MaxUnits) {
		c.Rule(path, "must be from 1 to %d", MaxUnits)
	}
}

func (n NewPackage) pkg(kind Kind, product Product, now time.Time) Package {
	p := Package{
		ID: id.New(), Kind: kind, RefID: refOr(n.ID, kind.Noun()), ProductID: product.ID, ProductRefID: product.RefID,
		Status: Draft, BillingID: n.BillingID, Metadata: metadata.Given(n.Metadata),
		HiddenFromWidgets: distinct(n.HiddenFromWidgets), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	p.Draft = &Version{
		ID: id.New(), PackageID: p.ID, Number: 1, Status: Draft, DisplayName: n.DisplayName, Description: n.Description,
		PricingType: n.PricingType, Trial: n.Trial, ParentID: n.ParentID, Compatible: []string{}, Dependencies: []string{},
		MaxQuantity: n.MaxQuantity, CreatedAt: now, UpdatedAt: now,
	}
	return p
}

const trialPath = "defaultTrialConfig"

// check records what is wrong with a trial by itself.
func (t *Trial) check(c *errs.Checks, path string) {
	if t == nil {
		return
	}
	longest, least := maxTrialDays, 1
	switch t.Units {
	case "DAY":
	case "MONTH":
		longest = maxTrialMonths
	default:
		c.Shape(path+".units", "must be one of DAY, MONTH")
	}
	if t.Budget != nil {
		least = 0
		if t.Budget.Limit.Sign() <= 0 {
			c.Rule(path+".budget.limit", "must be more than 0")
		} else if issue := money.PriceIssue(t.Budget.Limit); issue != "" {
			c.Rule(path+".budget.limit", "%s", issue)
		}
	}
	if t.Duration < least || t.Duration > longest {
		c.Rule(path+".duration", "must be from %d to %d", least, longest)
	}
	if t.EndBehavior != "" {
		checkOneOf(c, path+".trialEndBehavior", t.EndBehavior, "CONVERT_TO_PAID", "CANCEL_SUBSCRIPTION")
	}
}

// checkFor records what is wrong with a trial of a plan of that pricing type (domain-catalog-provisioning §3.9).
func (t *Trial) checkFor(c *errs.Checks, path, pricingType string) {
	t.checkAt(c, path, path+".budget", pricingType)
}

// checkAt is checkFor where the request may have the pricing type and not the trial: the paths are those of what it has.
func (t *Trial) checkAt(c *errs.Checks, path, budget, pricingType string) {
	switch {
	case t == nil:
	case pricingType == Free:
		c.Rule(path, "a free plan has no trial")
	case t.Budget != nil && pricingType == Custom:
		c.Rule(budget, "only trials of paid plans have a budget")
	}
}

// PackageUpdate is a partial change (contract §1.4). Metadata, visibility and billing id need no draft, the rest does.
type PackageUpdate struct {
	BillingID         opt.Of[string]
	Metadata          opt.Of[map[string]*string]
	HiddenFromWidgets opt.Of[[]string]
	Status            string // of add-ons: accepted when it is the present one

	DisplayName *string
	Description opt.Of[string]
	Pricing     *Pricing

	Trial      opt.Of[Trial]    // of plans
	Parent     opt.Of[string]   // of plans: refId
	Compatible opt.Of[[]string] // of plans: refIds

	Dependencies opt.Of[[]string] // of add-ons: refIds
	MaxQuantity  opt.Of[int64]    // of add-ons
}

// Validate names every bad field that can be told without the package.
func (u PackageUpdate) Validate() error {
	var c errs.Checks
	checkOpt(&c, "billingId", u.BillingID)
	metadata.CheckPatch(&c, "metadata", u.Metadata.Value)
	checkWidgets(&c, "hiddenFromWidgets", u.HiddenFromWidgets.Value)
	if u.DisplayName != nil {
		checkName(&c, *u.DisplayName)
	}
	checkOpt(&c, "description", u.Description)
	if u.Trial.Set && !u.Trial.Null {
		u.Trial.Value.check(&c, trialPath)
	}
	if u.Pricing != nil {
		u.Pricing.check(&c, "charges")
	}
	for name, list := range map[string][]string{"compatibleAddonIds": u.Compatible.Value, "dependencies": u.Dependencies.Value} {
		for i, ref := range list {
			checkGivenRef(&c, fmt.Sprintf("%s[%d]", name, i), ref)
		}
	}
	if u.MaxQuantity.Set && !u.MaxQuantity.Null {
		checkMaxQuantity(&c, "maxQuantity", &u.MaxQuantity.Value)
	}
	return c.Err()
}

func (u PackageUpdate) needsDraft() bool {
	return u.DisplayName != nil || u.Description.Set || u.Trial.Set || u.Pricing != nil || u.changesLinks() || u.MaxQuantity.Set
}

func (u PackageUpdate) changesLinks() bool {
	return u.Parent.Set || u.Compatible.Set || u.Dependencies.Set
}

// applyPackage changes what is the same for all versions.
func (u PackageUpdate) applyPackage(c *errs.Checks, p *Package) {
	u.BillingID.Apply(&p.BillingID)
	p.Metadata = patchMetadata(c, p.Metadata, u.Metadata)
	if u.HiddenFromWidgets.Set {
		p.HiddenFromWidgets = distinct(u.HiddenFromWidgets.Value)
	}
	if u.Status != "" && u.Status != p.Status {
		c.Rule("status", "is %s: use the routes publish, archive and unarchive to change it", p.Status)
	}
}

// applyDraft changes a draft, except its prices.
func (u PackageUpdate) applyDraft(c *errs.Checks, v *Version) error {
	if u.DisplayName != nil {
		v.DisplayName = *u.DisplayName
	}
	u.Description.Apply(&v.Description)
	u.Trial.Apply(&v.Trial)
	u.MaxQuantity.Apply(&v.MaxQuantity)
	if u.Parent.Set {
		if v.ParentID != "" && u.Parent.Value != "" && u.Parent.Value != v.ParentID {
			return ErrAlreadyExtends.At("parentPlanId", "The plan inherits from %s already. Set parentPlanId to null first.", v.ParentID)
		}
		v.ParentID = u.Parent.Value
	}
	if u.Compatible.Set {
		v.Compatible = u.Compatible.Value // in the order of the request until checkLinks has seen them
	}
	if u.Dependencies.Set {
		v.Dependencies = u.Dependencies.Value
	}
	const pricingPath = "charges.pricingType"
	switch {
	case u.Pricing == nil:
		v.Trial.checkFor(c, trialPath, v.PricingType)
	case u.Trial.Set:
		v.Trial.checkFor(c, trialPath, u.Pricing.Type)
	default:
		v.Trial.checkAt(c, pricingPath, pricingPath, u.Pricing.Type)
	}
	return nil
}

package catalog

import (
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/opt"
)

// The longest default trials.
const (
	maxTrialDays   = 3650
	maxTrialMonths = 120
)

// NewPlan is a plan to be made. An empty ID lets one be made, an empty ProductID is the default product, an empty
// PricingType leaves the plan unpriced.
type NewPlan struct {
	ID                string
	ProductID         string // refId
	DisplayName       string
	Description       *string
	BillingID         *string
	Metadata          map[string]string
	HiddenFromWidgets []string
	PricingType       string
	Trial             *Trial
	Status            string // "" or DRAFT
	Unsupported       []string
}

// Validate names every bad field.
func (n NewPlan) Validate() error {
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
		c.Rule("status", "must be DRAFT: plans begin as drafts")
	}
	n.Trial.check(&c)
	if n.Trial != nil && n.PricingType == Free {
		c.Rule(trialPath, freeTrial)
	}
	checkUnsupported(&c, n.Unsupported)
	return c.Err()
}

func (n NewPlan) plan(product Product, now time.Time) Plan {
	p := Plan{
		ID: id.New(), RefID: refOr(n.ID, "plan"), ProductID: product.ID, ProductRefID: product.RefID, Status: Draft,
		BillingID: n.BillingID, Metadata: metadata.Given(n.Metadata), HiddenFromWidgets: distinct(n.HiddenFromWidgets),
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	p.Draft = &Version{
		ID: id.New(), PlanID: p.ID, Number: 1, Status: Draft, DisplayName: n.DisplayName, Description: n.Description,
		PricingType: n.PricingType, Trial: n.Trial, CreatedAt: now, UpdatedAt: now,
	}
	return p
}

const (
	trialPath = "defaultTrialConfig"
	freeTrial = "a free plan has no trial"
)

func (t *Trial) check(c *errs.Checks) {
	if t == nil {
		return
	}
	longest := maxTrialDays
	switch t.Units {
	case "DAY":
	case "MONTH":
		longest = maxTrialMonths
	default:
		c.Shape(trialPath+".units", "must be one of DAY, MONTH")
	}
	if t.Duration < 1 || t.Duration > longest {
		c.Rule(trialPath+".duration", "must be from 1 to %d", longest)
	}
	if t.EndBehavior != "" {
		checkOneOf(c, trialPath+".trialEndBehavior", t.EndBehavior, "CONVERT_TO_PAID", "CANCEL_SUBSCRIPTION")
	}
}

// PlanUpdate is a partial change (contract §1.4). Metadata, visibility and billing id need no draft, the rest does.
type PlanUpdate struct {
	BillingID         opt.Of[string]
	Metadata          opt.Of[map[string]*string]
	HiddenFromWidgets opt.Of[[]string]

	DisplayName *string
	Description opt.Of[string]
	Trial       opt.Of[Trial]
	Pricing     *Pricing
	Unsupported []string // paths of members without a meaning yet
}

// Validate names every bad field that can be told without the plan.
func (u PlanUpdate) Validate() error {
	var c errs.Checks
	checkOpt(&c, "billingId", u.BillingID)
	metadata.CheckPatch(&c, "metadata", u.Metadata.Value)
	checkWidgets(&c, "hiddenFromWidgets", u.HiddenFromWidgets.Value)
	if u.DisplayName != nil {
		checkName(&c, *u.DisplayName)
	}
	checkOpt(&c, "description", u.Description)
	if u.Trial.Set && !u.Trial.Null {
		u.Trial.Value.check(&c)
	}
	if u.Pricing != nil {
		u.Pricing.check(&c)
	}
	checkUnsupported(&c, u.Unsupported)
	return c.Err()
}

func (u PlanUpdate) needsDraft() bool {
	return u.DisplayName != nil || u.Description.Set || u.Trial.Set || u.Pricing != nil
}

// applyPlan changes what is the same for all versions.
func (u PlanUpdate) applyPlan(p *Plan) error {
	var c errs.Checks
	u.BillingID.Apply(&p.BillingID)
	p.Metadata = patchMetadata(&c, p.Metadata, u.Metadata)
	if u.HiddenFromWidgets.Set {
		p.HiddenFromWidgets = distinct(u.HiddenFromWidgets.Value)
	}
	return c.Err()
}

// applyDraft changes a draft, except its prices.
func (u PlanUpdate) applyDraft(v *Version) error {
	if u.DisplayName != nil {
		v.DisplayName = *u.DisplayName
	}
	u.Description.Apply(&v.Description)
	u.Trial.Apply(&v.Trial)
	if u.Pricing != nil {
		v.PricingType = u.Pricing.Type
	}
	var c errs.Checks
	if v.PricingType == Free && v.Trial != nil {
		path := "charges.pricingType"
		if u.Trial.Set {
			path = trialPath
		}
		c.Rule(path, freeTrial)
	}
	return c.Err()
}

package catalog

import (
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/journey"
)

// NewProduct is a product to be made. An empty ID lets one be made.
type NewProduct struct {
	ID                    string
	DisplayName           string
	Description           *string
	Metadata              map[string]string
	MultipleSubscriptions bool
}

// Validate names every bad field.
func (n NewProduct) Validate() error {
	var c errs.Checks
	checkRef(&c, "id", n.ID)
	checkName(&c, n.DisplayName)
	checkText(&c, "description", n.Description)
	metadata.Check(&c, "metadata", n.Metadata)
	return c.Err()
}

func (n NewProduct) product(now time.Time) Product {
	return Product{
		ID: id.New(), RefID: refOr(n.ID, "product"), DisplayName: n.DisplayName, Description: n.Description,
		Metadata: metadata.Given(n.Metadata), MultipleSubscriptions: n.MultipleSubscriptions,
		Status: Published, Settings: journey.Defaults(), UsageResetCutoff: AlwaysReset, PlanOrder: []string{},
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// ProductUpdate is a partial change (contract §1.4). Settings replace the old ones as a whole.
type ProductUpdate struct {
	DisplayName           *string
	Description           opt.Of[string]
	Metadata              opt.Of[map[string]*string]
	MultipleSubscriptions *bool
	Settings              *journey.Settings
	UsageResetCutoff      *string
	PlanOrder             opt.Of[[]string] // refIds; null brings the default order back
}

// Validate names every bad field that can be told without the catalog.
func (u ProductUpdate) Validate() error {
	var c errs.Checks
	if u.DisplayName != nil {
		checkName(&c, *u.DisplayName)
	}
	checkOpt(&c, "description", u.Description)
	metadata.CheckPatch(&c, "metadata", u.Metadata.Value)
	if u.UsageResetCutoff != nil {
		checkOneOf(&c, "usageResetCutoffRule.behavior", *u.UsageResetCutoff, AlwaysReset, NeverReset, BillingPeriodChange)
	}
	for i, ref := range u.PlanOrder.Value {
		checkGivenRef(&c, fmt.Sprintf("planOrder[%d]", i), ref)
	}
	return c.Err()
}

// apply changes what needs no look at anything else.
func (u ProductUpdate) apply(c *errs.Checks, p *Product) {
	if u.DisplayName != nil {
		p.DisplayName = *u.DisplayName
	}
	u.Description.Apply(&p.Description)
	p.Metadata = patchMetadata(c, p.Metadata, u.Metadata)
	if u.UsageResetCutoff != nil {
		p.UsageResetCutoff = *u.UsageResetCutoff
	}
}

// patchMetadata merges; null clears.
func patchMetadata(c *errs.Checks, old map[string]string, patch opt.Of[map[string]*string]) map[string]string {
	if patch.Null {
		return map[string]string{}
	}
	m := metadata.Merge(old, patch.Value)
	if len(m) > metadata.MaxKeys {
		c.Shape("metadata", "must not have more than %d keys", metadata.MaxKeys)
	}
	return m
}

// Package promotion is a grant of one feature to a customer outside of any subscription:
// a promotional entitlement, for a while or for ever.
//
// New describes one and checks itself against its feature; Grant, Update, Announce, Expire
// and Revoke are pure functions that return a Change, which provisioning saves. What a grant
// gives is merged with what subscriptions give in package entitlement. Rules:
// domain-entitlements-usage §1.5, §2.1, §2.4.
package promotion

import (
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/core/catalog"
)

// ErrNotFound is the answer where no grant of the feature runs.
var ErrNotFound = errs.New(errs.NotFound, "PromotionalEntitlementNotFound", "The customer has no running promotional entitlement to this feature.")

// Status says whether a grant gives something.
type Status string

// The statuses. The wire knows Paused, and nothing ever is.
const (
	Active  Status = "Active"
	Expired Status = "Expired" // its end has come, or it was revoked
	Paused  Status = "Paused"
)

// Promotion is a promotional entitlement. At most one grant of a feature to a customer runs.
type Promotion struct {
	ID          string // internal; the wire has no other
	CustomerID  string // internal
	CustomerRef string
	FeatureID   string // internal
	FeatureRef  string
	Details
	Period    string     // as it was asked for last
	StartDate time.Time  // where its usage periods begin
	EndDate   *time.Time // nil for ever; of a revoked one the moment it ended
	EndedAt   *time.Time // set once it was revoked, or its end was noticed
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Details are what a grant gives. They are stored as one.
type Details struct {
	UsageLimit  *int64                      `json:"usageLimit,omitempty"`
	Unlimited   bool                        `json:"hasUnlimitedUsage,omitempty"`
	Soft        bool                        `json:"hasSoftLimit,omitempty"`
	EnumValues  []string                    `json:"enumValues,omitempty"`
	ResetPeriod string                      `json:"resetPeriod,omitempty"`
	Reset       *catalog.ResetConfiguration `json:"reset,omitempty"`
	Visible     bool                        `json:"isVisible,omitempty"` // in widgets
}

func detailsOf(e catalog.Entitlement, visible bool) Details {
	d := Details{
		UsageLimit: e.UsageLimit, Unlimited: e.Unlimited, Soft: e.Soft, ResetPeriod: e.ResetPeriod, Reset: e.ResetConfiguration,
		Visible: visible,
	}
	if len(e.EnumValues) > 0 { // as it is read back
		d.EnumValues = slices.Clone(e.EnumValues)
	}
	return d
}

// Entitlement is what the grant gives, in the form of a package's row.
func (p Promotion) Entitlement() catalog.Entitlement {
	return catalog.Entitlement{
		ID: p.ID, Type: catalog.FeatureEntitlement, FeatureID: p.FeatureID, FeatureRefID: p.FeatureRef, Granted: true,
		UsageLimit: p.UsageLimit, Unlimited: p.Unlimited, Soft: p.Soft, EnumValues: p.EnumValues,
		ResetPeriod: p.ResetPeriod, ResetConfiguration: p.Reset, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
}

// StatusAt is the status at an instant: the end counts when it comes, not when it is noticed.
func (p Promotion) StatusAt(now time.Time) Status {
	if p.EndedAt != nil || p.EndDate != nil && !p.EndDate.After(now) {
		return Expired
	}
	return Active
}

// View is a grant as it is shown.
type View struct {
	Promotion
	EnvironmentID string // the public one
	At            time.Time
}

// Status is that of the moment at which it was looked at.
func (v View) Status() Status { return v.StatusAt(v.At) }

// Filter narrows a list; empty members match all.
type Filter struct {
	Statuses []Status
	Created  page.Range
}

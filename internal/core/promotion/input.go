package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// The periods for which a feature is granted, in the wire's words.
const (
	OneWeek  = "1 week"
	OneMonth = "1 month"
	SixMonth = "6 month"
	OneYear  = "1 year"
	Lifetime = "lifetime"
	Custom   = "custom" // to a date
)

var periods = []string{OneWeek, OneMonth, SixMonth, OneYear, Lifetime, Custom}

// MaxGrants is how many grants one call can make.
const MaxGrants = 100

// New is a grant to be made, or what the one that runs becomes.
type New struct {
	FeatureRef string
	Gives      catalog.EntitlementUpdate
	Visible    *bool // nil for true
	Period     string
	CustomEnd  *time.Time // with Custom alone
}

// Row is the path of a row of a request: "promotionalEntitlements[0].".
func Row(i int) string { return fmt.Sprintf("promotionalEntitlements[%d].", i) }

// Validate checks what can be said of a request without looking at anything, and records every bad field.
func Validate(c *errs.Checks, list []New) {
	if n := len(list); n < 1 || n > MaxGrants {
		c.Shape("promotionalEntitlements", "must have 1 to %d items", MaxGrants)
	}
	first := map[string]int{}
	for i, n := range list {
		path := Row(i)
		if issue := id.RefIssue(n.FeatureRef); issue != "" {
			c.Shape(path+"featureId", "%s", issue)
		} else if of, twice := first[n.FeatureRef]; twice {
			c.Rule(path+"featureId", "the feature %s is in row %d already", n.FeatureRef, of)
		} else {
			first[n.FeatureRef] = i
		}
		switch {
		case !slices.Contains(periods, n.Period):
			c.Shape(path+"period", "must be one of %s", strings.Join(periods, ", "))
		case n.Period == Custom && n.CustomEnd == nil:
			c.Rule(path+"customEndDate", "is required with the period custom")
		case n.Period != Custom && n.CustomEnd != nil:
			c.Rule(path+"customEndDate", "needs the period custom")
		}
	}
}

// For makes the grant of a feature as it is at now, without ids, and records every bad field under path. f is nil for a
// feature that is not there.
func (n New) For(c *errs.Checks, path string, f *catalog.Feature, now time.Time) Promotion {
	p := Promotion{Period: n.Period, StartDate: now, EndDate: End(n.Period, now), Version: 1, CreatedAt: now, UpdatedAt: now}
	if n.Period == Custom && n.CustomEnd != nil {
		end := clock.Business(*n.CustomEnd)
		p.EndDate = &end
		if !end.After(now) {
			c.Rule(path+"customEndDate", "must lie ahead")
		}
	}
	if f == nil {
		if id.RefIssue(n.FeatureRef) == "" {
			c.Named(catalog.ErrFeatureNotFound, path+"featureId", "there is no feature %s", n.FeatureRef)
		}
		return p
	}
	if f.Status == catalog.FeatureSuspended {
		c.Rule(path+"featureId", "the feature %s is archived", f.RefID)
	}
	p.FeatureID, p.FeatureRef = f.ID, f.RefID
	p.Details = detailsOf(n.Gives.Outside(c, path, *f, now), n.Visible == nil || *n.Visible)
	return p
}

// End is when a grant that begins at start ends: the same day and time, clamped to the end of a shorter month. It is nil
// for one without an end, and for a custom one, which brings its own.
func End(period string, start time.Time) *time.Time {
	var end time.Time
	switch period {
	case OneWeek:
		end = start.Add(7 * 24 * time.Hour)
	case OneMonth:
		end = subscription.AddMonths(start, 1)
	case SixMonth:
		end = subscription.AddMonths(start, 6)
	case OneYear:
		end = subscription.AddMonths(start, 12)
	default:
		return nil
	}
	return &end
}

package entitlement

import (
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/promotion"
)

// PromotionOf is what of a promotional entitlement decides about entitlements.
func PromotionOf(p promotion.Promotion) Promotion {
	return Promotion{
		ID: p.ID, FeatureRef: p.FeatureRef, Gives: p.Entitlement(), StartDate: p.StartDate, EndDate: p.EndDate, UpdatedAt: p.UpdatedAt,
	}
}

// source is what the promotion gives at now. It reports whether it gives anything then.
func (p Promotion) source(c *catalog.Snapshot, now time.Time) (Source, bool) {
	f, ok := c.Feature(p.FeatureRef)
	if !ok || p.StartDate.After(now) || p.EndDate != nil && !p.EndDate.After(now) {
		return Source{}, false
	}
	e := Entitlement{
		Feature: FeatureOf(f), Row: rowOf(f, &p.Gives, p.Gives.Soft), ResetPeriod: p.Gives.ResetPeriod, UpdatedAt: p.UpdatedAt,
	}
	if r := p.Gives.ResetConfiguration; r != nil {
		e.ResetConfiguration = r.AccordingTo
	}
	e.resets()
	s := Source{Rows: newRows([]Entitlement{e}), Until: p.EndDate}
	s.Origin.Anchor = p.StartDate.UnixMicro()
	return s, true
}

package promotion

import (
	"reflect"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/timer"
)

// endsSoonBefore is how long before its end a grant is announced to end; one that lasts no longer is not
// (domain-entitlements-usage §12.4).
const endsSoonBefore = 7 * 24 * time.Hour

// The events of a grant.
const (
	typeGranted  = "promotionalEntitlement.granted"
	typeUpdated  = "promotionalEntitlement.updated"
	typeRevoked  = "promotionalEntitlement.revoked"
	typeExpired  = "promotionalEntitlement.expired"
	typeEndsSoon = "promotionalEntitlement.ends_soon"
)

// Change is what a transition leads to; provisioning saves it. All earlier timers of the grant are removed. Timers have
// no ids yet.
type Change struct {
	Promotion
	Timers []timer.Timer
	Event  event.Event
}

// Grant begins a grant at now, which is its start.
func Grant(p Promotion, now time.Time) Change {
	return Change{p, p.timers(now), p.event(typeGranted, now)}
}

// Update gives a grant that runs what another one would give, and its end. Its id and its start stay, so that what was used
// still counts. changed is false when that is what it gives already.
func Update(p, next Promotion, now time.Time) (ch Change, changed bool) {
	if reflect.DeepEqual(p.Details, next.Details) && p.Period == next.Period && same(p.EndDate, next.EndDate) {
		return Change{Promotion: p}, false
	}
	p.Details, p.Period, p.EndDate = next.Details, next.Period, next.EndDate
	p.touch(now)
	return Change{p, p.timers(now), p.event(typeUpdated, now)}, true
}

// Revoke ends a grant before its time.
func Revoke(p Promotion, now time.Time) Change {
	p.EndDate, p.EndedAt = &now, &now
	p.touch(now)
	return Change{p, nil, p.event(typeRevoked, now)}
}

// Expire ends a grant whose end has come.
func Expire(p Promotion) Change {
	end := *p.EndDate
	p.EndedAt = &end
	p.touch(end)
	return Change{p, nil, p.event(typeExpired, end)}
}

// Announce tells that a grant ends soon.
func Announce(p Promotion, at time.Time) event.Event { return p.event(typeEndsSoon, at) }

func (p *Promotion) touch(at time.Time) {
	p.Version++
	p.UpdatedAt = at
}

func (p Promotion) timers(now time.Time) []timer.Timer {
	if p.EndDate == nil {
		return nil
	}
	list := []timer.Timer{p.timer(timer.PromotionEnd, *p.EndDate)}
	if soon := p.EndDate.Add(-endsSoonBefore); soon.After(now) {
		list = append(list, p.timer(timer.PromotionEndsSoon, soon))
	}
	return list
}

func (p Promotion) timer(kind timer.Kind, due time.Time) timer.Timer {
	return timer.Timer{Kind: kind, CustomerID: p.CustomerID, CustomerRef: p.CustomerRef, SubscriptionID: p.ID, Due: due}
}

// Entity names a grant in events.
func (p Promotion) Entity() event.Entity {
	return event.Entity{Type: "promotional_entitlement", ID: p.ID}
}

// told is what the events of a grant say (domain-entitlements-usage §12.4).
type told struct {
	ID          string                      `json:"id"`
	Status      Status                      `json:"status"`
	CustomerID  string                      `json:"customerId"`
	FeatureID   string                      `json:"featureId"`
	Unlimited   bool                        `json:"hasUnlimitedUsage"`
	UsageLimit  *int64                      `json:"usageLimit"`
	Soft        bool                        `json:"hasSoftLimit"`
	EnumValues  []string                    `json:"enumValues,omitempty"`
	ResetPeriod *string                     `json:"resetPeriod"`
	Reset       *catalog.ResetConfiguration `json:"resetPeriodConfiguration"`
	Visible     bool                        `json:"isVisible"`
	Period      string                      `json:"period"`
	StartDate   time.Time                   `json:"startDate"`
	EndDate     *time.Time                  `json:"endDate"`
}

func (p Promotion) event(typ string, at time.Time) event.Event {
	t := told{
		ID: p.ID, Status: p.StatusAt(at), CustomerID: p.CustomerRef, FeatureID: p.FeatureRef, Unlimited: p.Unlimited,
		UsageLimit: p.UsageLimit, Soft: p.Soft, EnumValues: p.EnumValues, Reset: p.Reset, Visible: p.Visible, Period: p.Period,
		StartDate: p.StartDate, EndDate: p.EndDate,
	}
	if p.ResetPeriod != "" {
		t.ResetPeriod = &p.ResetPeriod
	}
	return event.Event{Type: typ, Entity: p.Entity(), Version: p.Version, At: at, Customer: p.CustomerRef, Payload: t}
}

func same(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

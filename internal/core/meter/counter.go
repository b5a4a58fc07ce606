package meter

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/rules"
)

// Key names a counter: what a customer, or one of its resources ("" for the customer itself), has used of a feature.
type Key struct {
	CustomerID string // internal
	Resource   string // refId
	FeatureID  string // internal
}

// Counter is what was used in one window. It is made of the measurements or events in that window and can always be made
// again of them: a counter of another window, or of another meter, is no use but tells when something was last used.
type Counter struct {
	Key
	Window       rules.Span
	MeterVersion int64 // of the feature's meter; 0 for a feature without
	Value        int64 // as reported, in units of the feature's scale
	State        State // of a feature with a meter
	Last         int64 // µs: the newest measurement or event that it was made of or has seen
	Version      int64 // counts the changes; 0 for one that is not stored
}

// Reader is what counting needs from a transaction.
type Reader interface {
	// Counters are the stored counters of a customer, and of one of its resources when that is not "".
	Counters(ctx context.Context, env tenant.ID, customerID, resource string) ([]Counter, error)
	// Measured adds up the measurements of a counter in a window. last is 0 when there are none.
	Measured(ctx context.Context, env tenant.ID, key Key, window rules.Span) (total, last int64, err error)
	// EachEvent visits the events of a customer in a window, in any order: those of a resource, or all when it is "".
	EachEvent(ctx context.Context, env tenant.ID, customerRef, resource string, window rules.Span, visit func(*Event)) error
}

// Subject is whose usage of what is counted.
type Subject struct {
	Key
	CustomerRef string
	Feature     *catalog.Feature
}

// Count is the counter of a subject for a window: the stored one where it is for that, else one that is made of the
// measurements or events. values are the distinct ones of a meter that counts those, when it was made.
func Count(ctx context.Context, r Reader, env tenant.ID, s Subject, window rules.Span, stored *Counter) (c Counter, values []string, err error) {
	metered := s.Feature.Meter != nil
	c = Counter{Key: s.Key, Window: window, MeterVersion: s.Feature.MeterVersion}
	if stored != nil {
		if stored.MeterVersion == c.MeterVersion && stored.Window == window {
			return *stored, nil, nil
		}
		c.Version, c.Last = stored.Version, stored.Last
		if stored.MeterVersion == c.MeterVersion && stored.Last < window.Start {
			return c, nil, nil // nothing has happened since
		}
	} else if !metered {
		return c, nil, nil // a measurement makes a counter
	}
	if !metered {
		total, last, err := r.Measured(ctx, env, s.Key, window)
		c.Value, c.Last = total, max(c.Last, last)
		return c, nil, err
	}
	m := Compile(*s.Feature.Meter)
	seen := map[string]bool{}
	err = r.EachEvent(ctx, env, s.CustomerRef, s.Resource, window, func(e *Event) {
		if m.Matches(e) {
			c.Last = max(c.Last, e.At)
			if v, ok := m.Distinct(e); ok {
				if seen[v] {
					return
				}
				seen[v] = true
				values = append(values, v)
			}
			m.Add(&c.State, e)
		}
	})
	c.Value = m.Value(c.State, s.Feature.Scale)
	return c, values, err
}

// Updated is the type of the event that tells of a counter's change: one per counter and transaction.
const Updated = "usage.updated"

// Update is its payload. Instants are null where usage never resets.
type Update struct {
	FeatureID        string     `json:"featureId"`
	ResourceID       *string    `json:"resourceId"` // null for the customer's own counter
	CurrentUsage     Amount     `json:"currentUsage"`
	UsagePeriodStart *time.Time `json:"usagePeriodStart"`
	UsagePeriodEnd   *time.Time `json:"usagePeriodEnd"`
	Raw              int64      `json:"raw"` // the total as reported, in units of the feature's scale
	Version          int64      `json:"version"`
}

// Window is the counter's window.
func (u *Update) Window() rules.Span {
	if u.UsagePeriodStart == nil || u.UsagePeriodEnd == nil {
		return rules.Forever
	}
	return rules.Span{Start: u.UsagePeriodStart.UnixMicro(), End: u.UsagePeriodEnd.UnixMicro()}
}

// Event tells of the counter's change; row is what the customer may use of the feature.
func (c *Counter) Event(customerRef, featureRef string, row *rules.Row) event.Event {
	u := &Update{
		FeatureID: featureRef, CurrentUsage: Amount{row.Shown(c.Value), row.Scale},
		UsagePeriodStart: Instant(c.Window.Start), UsagePeriodEnd: Instant(c.Window.End), Raw: c.Value, Version: c.Version,
	}
	if c.Resource != "" {
		u.ResourceID = &c.Resource
	}
	return event.Event{
		Type: Updated, Entity: event.Entity{Type: "usage", ID: featureRef}, Version: c.Version, Customer: customerRef, Payload: u,
	}
}

// Instant is a boundary of a window as a time; nil where there is none.
func Instant(µs int64) *time.Time {
	if µs == rules.Forever.Start || µs == rules.Forever.End {
		return nil
	}
	t := time.UnixMicro(µs).UTC()
	return &t
}

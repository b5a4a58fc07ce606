// Package usage records what customers use: measurements that callers have added up, and raw events that meters count.
//
// Both are kept; counters are made of them and can be made again (meter.Count). A report locks
// the counter that it changes, so that racing reports add up and consume admits exactly what
// the limit allows. Rules: domain-entitlements-usage §4–5, contract §6.
package usage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/rules"
)

// What a report does to the total.
const (
	Delta = "DELTA" // adds; the default
	Set   = "SET"   // replaces
	// Correction is a measurement of our own: it takes a backdated SET out again where a newer SET has replaced it.
	Correction = "CORRECTION"
)

// Errors (contract §6.5, domain-catalog-provisioning §10).
var (
	ErrNoSubscription = errs.New(errs.NotFound, "NoActiveSubscriptionForCustomer", "The customer has no active subscription.")
	ErrNoResource     = errs.New(errs.NotFound, string(rules.CustomerResourceNotFound), "The customer has no such resource.")
	ErrOutOfRange     = errs.New(errs.Invalid, "UsageMeasurementDiffOutOfRangeError", "Usage would fall below 0, or grow beyond what can be counted.")
	ErrNegative       = errs.New(errs.Invalid, "InvalidUsageValueForIncrementalFeatureError", "Usage of this feature only grows.")
	ErrHasMeter       = errs.New(errs.Invalid, "CannotReportUsageForEntitlementWithMeterError", "Usage of this feature is counted from events.")
)

// MaxAhead is how far in the future a report may be dated, since clocks differ (domain-entitlements-usage §5.2).
const MaxAhead = 5 * time.Minute

// Report is one report of usage.
type Report struct {
	CustomerRef string
	FeatureRef  string
	Resource    string // refId; "" for the customer itself
	Value       meter.Quantity
	Behavior    string     // Delta or Set
	At          *time.Time // when it happened; nil for now
	Dimensions  meter.Dimensions
	Key         string // idempotency key; "" for none
}

// content names what the report says: a key stands for one content.
func (r *Report) content() string {
	b, err := json.Marshal([]any{r.Value, r.Behavior, r.At, r.Dimensions})
	if err != nil {
		panic("usage: " + err.Error()) // plain values
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

// Measurement is a report as it is kept.
type Measurement struct {
	ID         string
	Counter    meter.Key
	At         int64 // µs
	Behavior   string
	Value      int64 // as reported, in units of the feature's scale
	Delta      int64 // what it changed
	Total      int64 // of the counter afterwards
	Dimensions meter.Dimensions
	Reported   string // the resource that was reported
	Key        string
	Content    string
	Window     rules.Span // the counter's
	RecordedAt int64      // machine time, µs
}

// Recorded is the answer to a report.
type Recorded struct {
	Measurement
	CustomerRef string
	FeatureRef  string
	Row         *rules.Row
	Repeated    bool // the key was used before: nothing was counted again
}

// Current is the usage after the report, as shown.
func (r *Recorded) Current() meter.Amount {
	return meter.Amount{N: r.Row.Shown(r.Total), Scale: r.Row.Scale}
}

// grow adds to a total. It reports false when the sum is below 0 or too large to count.
func grow(total, delta int64) (int64, bool) {
	if delta > 0 && total > math.MaxInt64-delta {
		return 0, false
	}
	return total + delta, total+delta >= 0
}

// Package journey decides how a subscription starts, ends and is cancelled.
//
// Settings are the customer journey of a product; Decide and End turn them into a
// plan to start with and a plan to fall back to. Everything here is a value: no clock,
// no store. Who is eligible for a trial and what a subscription then goes through is
// decided by subscription.
package journey

import (
	"bytes"
	"encoding/json"
	"slices"
)

// StartSetup says how customers begin.
type StartSetup string

// The start setups.
const (
	PlanSelection StartSetup = "PLAN_SELECTION" // customers choose
	FreePlan      StartSetup = "FREE_PLAN"      // always on a free plan
	TrialPeriod   StartSetup = "TRIAL_PERIOD"   // always with a trial
)

// EndSetup says what follows when a trial or subscription ends.
type EndSetup string

// The end setups.
const (
	CancelSubscription EndSetup = "CANCEL_SUBSCRIPTION" // access is revoked
	DowngradeToFree    EndSetup = "DOWNGRADE_TO_FREE"
)

// CancellationTime is when a cancellation takes effect that does not say when.
type CancellationTime string

// The cancellation times. SpecificDate is one for a single cancellation, never for a product.
const (
	Immediate          CancellationTime = "IMMEDIATE"
	EndOfBillingPeriod CancellationTime = "END_OF_BILLING_PERIOD"
	SpecificDate       CancellationTime = "SPECIFIC_DATE"
)

// DowngradeTime is when a change to a lesser plan takes effect that does not say when.
type DowngradeTime string

// The downgrade times.
const (
	DowngradeImmediately          DowngradeTime = "IMMEDIATE"
	DowngradeAtEndOfBillingPeriod DowngradeTime = "END_OF_BILLING_PERIOD"
)

// Valid reports whether s is a start setup.
func (s StartSetup) Valid() bool { return slices.Contains(startSetups, s) }

// Valid reports whether s is an end setup.
func (s EndSetup) Valid() bool { return slices.Contains(endSetups, s) }

// Valid reports whether t is a cancellation time.
func (t CancellationTime) Valid() bool { return slices.Contains(cancellationTimes, t) }

// Valid reports whether t is a downgrade time.
func (t DowngradeTime) Valid() bool { return slices.Contains(downgradeTimes, t) }

var (
	startSetups       = []StartSetup{PlanSelection, FreePlan, TrialPeriod}
	endSetups         = []EndSetup{CancelSubscription, DowngradeToFree}
	cancellationTimes = []CancellationTime{Immediate, EndOfBillingPeriod, SpecificDate}
	downgradeTimes    = []DowngradeTime{DowngradeImmediately, DowngradeAtEndOfBillingPeriod}
)

// PlanID is a plan's refId; "" is none, and null in JSON.
type PlanID string

// MarshalJSON writes a string or null.
func (id PlanID) MarshalJSON() ([]byte, error) {
	if id == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(id))
}

// UnmarshalJSON reads a string or null.
func (id *PlanID) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*id = ""
		return nil
	}
	return json.Unmarshal(b, (*string)(id))
}

// Settings are a product's customer journey, in wire names (domain-catalog-provisioning §5.1). A change affects later
// provisioning, updates and cancellations only.
type Settings struct {
	StartSetup       StartSetup       `json:"subscriptionStartSetup"`
	StartPlanID      PlanID           `json:"subscriptionStartPlanId"`
	EndSetup         EndSetup         `json:"subscriptionEndSetup"`
	DowngradePlanID  PlanID           `json:"downgradePlanId"`
	CancellationTime CancellationTime `json:"subscriptionCancellationTime"`
	// ProrateAtEndOfBillingPeriod credits unused prepaid quantity when an end-of-period cancellation takes effect.
	ProrateAtEndOfBillingPeriod bool          `json:"prorateAtEndOfBillingPeriod"`
	DowngradeTime               DowngradeTime `json:"subscriptionDowngradeTime"`
	// CancelWithProductIDs are the products whose cancellation also cancels this one.
	CancelWithProductIDs []string `json:"cancelWithProductIds"`
}

// Defaults are the settings of a new product (domain-catalog-provisioning §3.1).
func Defaults() Settings { return Settings{}.Normalise() }

// Normalise fills in what is absent and clears plans that the setups do not use, so that no unchecked id is ever
// stored. Wrong values stay for Validate to find.
func (s Settings) Normalise() Settings {
	fill(&s.StartSetup, PlanSelection)
	fill(&s.EndSetup, CancelSubscription)
	fill(&s.CancellationTime, Immediate)
	fill(&s.DowngradeTime, DowngradeImmediately)
	if s.StartSetup == PlanSelection {
		s.StartPlanID = ""
	}
	if s.EndSetup == CancelSubscription {
		s.DowngradePlanID = ""
	}
	s.CancelWithProductIDs = distinct(s.CancelWithProductIDs)
	return s
}

func fill[T ~string](v *T, def T) {
	if *v == "" {
		*v = def
	}
}

func distinct(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

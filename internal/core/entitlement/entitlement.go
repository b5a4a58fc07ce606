// Package entitlement is what a customer may use, and from which source.
//
// Rows are the compiled entitlements of a plan version and the add-ons beside it,
// shared by all customers who have the same; Combine makes them of the parts of one
// subscription, Compile merges several sources by the generous rule. A Set is the state of
// one customer or resource, kept in a Cache; Service answers checks and lists from
// it. The decision itself is rules.Decide. Rules: domain-entitlements-usage §1–3.
package entitlement

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
)

// Feature is what an answer says about a feature.
type Feature struct {
	ID          string // internal
	RefID       string
	DisplayName string
	Description *string
	Type        string
	MeterType   string
	Status      string
	Units       *string
	UnitsPlural *string
	EnumValues  []catalog.EnumValue
	Scale       uint8 // how fine its usage is
	Transform   *catalog.Transformation
	Metadata    map[string]string
}

// FeatureOf takes from the catalog what answers need.
func FeatureOf(f *catalog.Feature) Feature {
	return Feature{
		ID: f.ID, RefID: f.RefID, DisplayName: f.DisplayName, Description: f.Description, Type: f.Type, MeterType: f.MeterType,
		Status: f.Status, Units: f.Units, UnitsPlural: f.UnitsPlural, EnumValues: f.EnumValues, Scale: f.Scale, Transform: f.Transformation,
		Metadata: f.Metadata,
	}
}

// Metered reports whether the feature's usage is counted.
func (f *Feature) Metered() bool { return f.Type == catalog.Number && f.MeterType != catalog.NoMeter }

// Entitlement is an effective entitlement to one feature. It is shared and never changes.
type Entitlement struct {
	Feature             Feature
	Row                 rules.Row
	ResetPeriod         string // YEAR, MONTH, WEEK, DAY, HOUR or ""
	ResetConfiguration  string // where the period begins: StartOfTheMonth…; "" for none
	DisplayNameOverride *string
	HiddenFromWidgets   []string
	Overrides           bool  // of an add-on: it replaces what the plan gives; false in what was combined
	Counter             int16 // its place among the metered features of its rows, from 1; 0 for what is not metered
	Charged             bool  // usage is paid for: a budget can end it
	Overage             bool  // what is used beyond the limit is charged, which makes the limit soft
	UpdatedAt           time.Time
	Asked               *atomic.Bool // set when somebody checks the feature; nil outside of the cache
}

// Rows are entitlements by feature. They are immutable; all customers with the same sources share them. A nil *Rows has
// none.
type Rows struct {
	list   []Entitlement // by feature refId
	index  map[string]int32
	meters int // how many are metered
}

// newRows takes the list over.
func newRows(list []Entitlement) *Rows {
	slices.SortFunc(list, func(a, b Entitlement) int { return cmp.Compare(a.Feature.RefID, b.Feature.RefID) })
	r := &Rows{list: list, index: make(map[string]int32, len(list))}
	for i := range list {
		r.index[list[i].Feature.RefID] = int32(i)
		list[i].Counter = 0
		if list[i].Feature.Metered() {
			r.meters++
			list[i].Counter = int16(r.meters)
		}
	}
	return r
}

// All returns the entitlements by feature refId. Nobody writes to them.
func (r *Rows) All() []Entitlement {
	if r == nil {
		return nil
	}
	return r.list
}

// Meters counts the entitlements to metered features.
func (r *Rows) Meters() int {
	if r == nil {
		return 0
	}
	return r.meters
}

// Find returns the entitlement to a feature, or nil.
func (r *Rows) Find(featureRef string) *Entitlement {
	if r == nil {
		return nil
	}
	if i, ok := r.index[featureRef]; ok {
		return &r.list[i]
	}
	return nil
}

// CompileVersion makes the rows of one version, without what it inherits; features finds a feature by refId. An
// entitlement to a feature that is not found is left out, and so are credits.
func CompileVersion(v catalog.Version, features func(ref string) (*catalog.Feature, bool)) *Rows {
	return compileVersion(v, features, &v)
}

// CompileBase is CompileVersion for a plan that inherits from it: prices are not inherited, and so nothing of a base's
// overage is.
func CompileBase(v catalog.Version, features func(ref string) (*catalog.Feature, bool)) *Rows {
	return compileVersion(v, features, &catalog.Version{})
}

func compileVersion(v catalog.Version, features func(ref string) (*catalog.Feature, bool), paid *catalog.Version) *Rows {
	list := make([]Entitlement, 0, len(v.Entitlements))
	for i := range v.Entitlements {
		e := &v.Entitlements[i]
		f, ok := features(e.FeatureRefID)
		if !ok || e.Type == catalog.CreditEntitlement {
			continue
		}
		overage := paid.Overage(e)
		row := Entitlement{
			Feature: FeatureOf(f), Row: rowOf(f, e, e.Soft || overage), Overage: overage, Charged: paid.ByUsage(e.FeatureID), ResetPeriod: e.ResetPeriod, DisplayNameOverride: e.DisplayName,
			HiddenFromWidgets: e.HiddenFromWidgets, Overrides: e.Behavior == catalog.Override, UpdatedAt: e.UpdatedAt,
		}
		if e.ResetConfiguration != nil {
			row.ResetConfiguration = e.ResetConfiguration.AccordingTo
		}
		row.resets()
		list = append(list, row)
	}
	return newRows(list)
}

// resets makes the row reset as its words say; words that nobody knows reset nothing.
func (e *Entitlement) resets() {
	e.Row.Reset, _ = rules.ParseReset(e.ResetPeriod, e.ResetConfiguration)
}

func rowOf(f *catalog.Feature, e *catalog.Entitlement, soft bool) rules.Row {
	r := rules.Row{Granted: e.Granted, Unlimited: e.Unlimited, Soft: soft, EnumValues: e.EnumValues, Scale: f.Scale}
	if t := f.Transformation; t != nil {
		r.Divide, r.RoundDown = t.Divide, t.Round == "DOWN"
	}
	switch f.Type {
	case catalog.Boolean:
		r.Type = rules.Boolean
	case catalog.Number:
		r.Type = rules.Number
	case catalog.Enum:
		r.Type = rules.Enum
	}
	switch f.MeterType {
	case catalog.Fluctuating:
		r.Meter = rules.Fluctuating
	case catalog.Incremental:
		r.Meter = rules.Incremental
	}
	if e.UsageLimit != nil {
		r.HasLimit, r.Limit = true, *e.UsageLimit
	}
	return r
}

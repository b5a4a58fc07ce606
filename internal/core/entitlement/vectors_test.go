package entitlement

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// mergeVector is a case of sdk/vectors/merge.json, whose README explains the form.
type mergeVector struct {
	Name        string         `json:"name"`
	Section     string         `json:"section"`
	FeatureType string         `json:"featureType"`
	MeterType   string         `json:"meterType"`
	Resource    bool           `json:"resource"`
	At          time.Time      `json:"at"`
	Sources     []vectorSource `json:"sources"`
	Want        *vectorRow     `json:"want"`
}

type vectorSource struct {
	Plan      *vectorRow   `json:"plan"`
	Bases     []*vectorRow `json:"bases"`
	Custom    *vectorRow   `json:"custom"`
	Addons    []vectorPart `json:"addons"`
	Promotion *vectorRow   `json:"promotion"`
	Resource  bool         `json:"resource"`
	Until     *time.Time   `json:"until"`
}

type vectorPart struct {
	Quantity int64     `json:"quantity"`
	Row      vectorRow `json:"row"`
}

type vectorRow struct {
	IsGranted         *bool        `json:"isGranted"`
	UsageLimit        *vectorWhole `json:"usageLimit"`
	HasUnlimitedUsage bool         `json:"hasUnlimitedUsage"`
	HasSoftLimit      *bool        `json:"hasSoftLimit"`
	EnumValues        []string     `json:"enumValues"`
	ResetPeriod       string       `json:"resetPeriod"`
	AccordingTo       string       `json:"accordingTo"`
	Behavior          string       `json:"behavior"`
}

// vectorWhole is a number, or a string of digits from 2^53 on.
type vectorWhole int64

func (w *vectorWhole) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(string(bytes.Trim(b, `"`)), 10, 64)
	*w = vectorWhole(n)
	return err
}

func TestVectorsMerge(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../../sdk/vectors/merge.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		About string        `json:"about"`
		Cases []mergeVector `json:"cases"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields() // a misspelt field would be a case that tests something else
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"": true}
	for _, v := range all.Cases {
		if seen[v.Name] || v.Section == "" {
			t.Errorf("%q needs a name of its own and a section", v.Name)
		}
		seen[v.Name] = true
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			for _, turned := range []bool{false, true} {
				if d := cmp.Diff(v.want(), v.merge(turned)); d != "" {
					t.Errorf("turned %v (-want +got):\n%s", turned, d)
				}
			}
		})
	}
}

// effective is what a case compares of a row.
type effective struct {
	Row                             rules.Row
	ResetPeriod, ResetConfiguration string
}

func (v mergeVector) want() *effective { return compared(v.rows(v.Want).Find(v.feature().RefID)) }

func compared(e *Entitlement) *effective {
	if e == nil {
		return nil
	}
	row := e.Row
	row.Reset = rules.Reset{} // the words are compared
	return &effective{row, e.ResetPeriod, e.ResetConfiguration}
}

// merge gives the effective row; turned has the sources and the add-ons the other way round.
func (v mergeVector) merge(turned bool) *effective {
	var sources []Source
	for _, s := range v.Sources {
		if s.Until != nil && !s.Until.After(v.At) || s.Resource && !v.Resource {
			continue
		}
		sources = append(sources, Source{Rows: v.combine(s, turned), Until: s.Until})
	}
	if turned {
		slices.Reverse(sources)
	}
	return compared(Compile(sources).Find(v.feature().RefID))
}

func (v mergeVector) combine(s vectorSource, turned bool) *Rows {
	if s.Promotion != nil {
		return v.rows(s.Promotion)
	}
	own, bases, addons := v.rows(s.Plan), []*Rows(nil), []Beside(nil)
	for _, b := range s.Bases {
		bases = append(bases, v.rows(b))
	}
	if c := s.Custom; c != nil {
		value := subscription.Value{
			Type: subscription.FeatureType, ID: v.feature().RefID, UsageLimit: (*int64)(c.UsageLimit), Unlimited: c.HasUnlimitedUsage,
			Soft: c.HasSoftLimit, EnumValues: c.EnumValues, ResetPeriod: c.ResetPeriod,
		}
		if c.AccordingTo != "" {
			value.Reset = &catalog.ResetConfiguration{AccordingTo: c.AccordingTo}
		}
		its := Subscription{Own: subscription.Own{Values: []subscription.Value{value}}}
		own = its.personal(own, bases, func(string) (*catalog.Feature, bool) { f := v.feature(); return &f, true })
	}
	for _, a := range s.Addons {
		addons = append(addons, Beside{Rows: v.rows(&a.Row), Quantity: a.Quantity})
	}
	if turned {
		slices.Reverse(addons)
	}
	return Combine(own, bases, addons)
}

func (v mergeVector) feature() catalog.Feature {
	return catalog.Feature{RefID: "feature", Type: v.FeatureType, MeterType: v.MeterType}
}

// rows are those of a version that gives the feature this row, or nothing.
func (v mergeVector) rows(r *vectorRow) *Rows {
	f := v.feature()
	var version catalog.Version
	if r != nil {
		e := catalog.Entitlement{
			FeatureRefID: f.RefID, Granted: r.IsGranted == nil || *r.IsGranted, UsageLimit: (*int64)(r.UsageLimit), Unlimited: r.HasUnlimitedUsage,
			Soft: r.HasSoftLimit != nil && *r.HasSoftLimit, EnumValues: r.EnumValues, ResetPeriod: r.ResetPeriod, Behavior: r.Behavior,
		}
		if r.AccordingTo != "" {
			e.ResetConfiguration = &catalog.ResetConfiguration{AccordingTo: r.AccordingTo}
		}
		version.Entitlements = []catalog.Entitlement{e}
	}
	return CompileVersion(version, func(string) (*catalog.Feature, bool) { return &f, true })
}

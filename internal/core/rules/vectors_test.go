package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"
)

// Where the vectors are: a copy beside this file in the SDK, the originals for the server. This file is in both.
var vectorFolders = []string{"testdata/vectors/", "../../../sdk/vectors/"}

// vector is what all cases have (sdk/vectors/README.md).
type vector struct {
	Name    string `json:"name"`
	Section string `json:"section"`
}

func (v vector) named() vector { return v }

// runVectors runs the cases of a file, in order.
func runVectors[V interface{ named() vector }](t *testing.T, file string, run func(t *testing.T, v V)) {
	t.Helper()
	var data []byte
	for _, folder := range vectorFolders {
		b, err := os.ReadFile(folder + file)
		if err == nil {
			data = b
			break
		} else if !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	var all struct {
		About string `json:"about"`
		Cases []V    `json:"cases"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields() // a misspelt field would be a case that tests something else
	if err := dec.Decode(&all); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	seen := map[string]bool{}
	for _, v := range all.Cases {
		name := v.named().Name
		if name == "" || v.named().Section == "" || seen[name] {
			t.Errorf("%s: %q needs a name of its own and a section", file, name)
		}
		seen[name] = true
		t.Run(name, func(t *testing.T) { run(t, v) })
	}
	if len(seen) == 0 {
		t.Errorf("%s has no cases", file)
	}
}

// whole is an integer: a JSON number up to 2^53, which every language can hold, or a string beyond it.
type whole int64

func (w *whole) UnmarshalJSON(b []byte) error {
	text, err := string(b), error(nil)
	if b[0] == '"' {
		if text, err = strconv.Unquote(text); err != nil {
			return err
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return err
	}
	if safe := -(1<<53) < n && n < 1<<53; safe != (b[0] != '"') {
		return fmt.Errorf("%s: integers are numbers below 2^53 and strings from there on", b)
	}
	*w = whole(n)
	return nil
}

// instant is a time in RFC 3339.
type instant struct{ time.Time }

func (at instant) micro() int64 { return at.UnixMicro() }

// wireRow is a row in the words of the API.
type wireRow struct {
	FeatureType        string   `json:"featureType"`
	MeterType          string   `json:"meterType"`
	IsGranted          *bool    `json:"isGranted"`
	HasUnlimitedUsage  bool     `json:"hasUnlimitedUsage"`
	HasSoftLimit       bool     `json:"hasSoftLimit"`
	UsageLimit         *whole   `json:"usageLimit"`
	Scale              uint8    `json:"scale"`
	EnumValues         []string `json:"enumValues"`
	UnitTransformation *struct {
		Divide whole  `json:"divide"`
		Round  string `json:"round"`
	} `json:"unitTransformation"`
}

func (w *wireRow) row(t *testing.T) *Row {
	t.Helper()
	if w == nil {
		return nil
	}
	r := &Row{
		Type:    word(t, w.FeatureType, map[string]FeatureType{"BOOLEAN": Boolean, "NUMBER": Number, "ENUM": Enum, "": 0}),
		Meter:   word(t, w.MeterType, map[string]Meter{"None": None, "FLUCTUATING": Fluctuating, "INCREMENTAL": Incremental, "": None}),
		Granted: w.IsGranted == nil || *w.IsGranted, Unlimited: w.HasUnlimitedUsage, Soft: w.HasSoftLimit, Scale: w.Scale, EnumValues: w.EnumValues,
	}
	if w.UsageLimit != nil {
		r.HasLimit, r.Limit = true, int64(*w.UsageLimit)
	}
	if u := w.UnitTransformation; u != nil {
		r.Divide, r.RoundDown = int64(u.Divide), word(t, u.Round, map[string]bool{"UP": false, "DOWN": true})
	}
	return r
}

func word[V any](t *testing.T, w string, known map[string]V) V {
	t.Helper()
	v, ok := known[w]
	if !ok {
		t.Fatalf("unknown word %q", w)
	}
	return v
}

// question is what a caller asks for.
type question struct {
	RequestedUsage  whole    `json:"requestedUsage"`
	RequestedValues []string `json:"requestedValues"`
}

func (q question) ask() Ask {
	return Ask{RequestedUsage: int64(q.RequestedUsage), RequestedValues: q.RequestedValues}
}

// verdict is the answer to a check.
type verdict struct {
	IsGranted          bool   `json:"isGranted"`
	AccessDeniedReason Reason `json:"accessDeniedReason"`
}

// gives compares an answer with the verdict, and sees that nothing was allocated for it.
func (want verdict) gives(t *testing.T, decide func() (bool, Reason)) {
	t.Helper()
	if granted, reason := decide(); granted != want.IsGranted || reason != want.AccessDeniedReason {
		t.Errorf("got %v %q, want %v %q", granted, reason, want.IsGranted, want.AccessDeniedReason)
	}
	if n := testing.AllocsPerRun(10, func() { decide() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestVectorsCheck(t *testing.T) {
	type check struct {
		vector
		Row   *wireRow `json:"row"`
		Usage whole    `json:"usage"`
		question
		Want verdict `json:"want"`
	}
	runVectors(t, "check.json", func(t *testing.T, v check) {
		row, ask := v.Row.row(t), v.ask()
		if row != nil {
			ask.RequestedScale = row.Scale // cases speak in the row's smallest units
		}
		v.Want.gives(t, func() (bool, Reason) { return Check(row, int64(v.Usage), ask) })
	})
}

func TestVectorsDecide(t *testing.T) {
	type decision struct {
		vector
		CustomerKnown     bool     `json:"customerKnown"`
		Archived          bool     `json:"archived"`
		ResourceGiven     bool     `json:"resourceGiven"`
		ResourceKnown     bool     `json:"resourceKnown"`
		LiveSubscriptions bool     `json:"liveSubscriptions"`
		Promotions        bool     `json:"promotions"`
		FeatureKnown      bool     `json:"featureKnown"`
		BudgetExceeded    bool     `json:"budgetExceeded"`
		Row               *wireRow `json:"row"`
		Usage             whole    `json:"usage"`
		question
		Want struct {
			verdict
			DeniesEverything Reason `json:"deniesEverything"`
		} `json:"want"`
	}
	runVectors(t, "decide.json", func(t *testing.T, v decision) {
		f := Facts{
			State: State{
				CustomerKnown: v.CustomerKnown, Archived: v.Archived, ResourceGiven: v.ResourceGiven, ResourceKnown: v.ResourceKnown,
				LiveSubscriptions: v.LiveSubscriptions, Promotions: v.Promotions,
			},
			FeatureKnown: v.FeatureKnown, Row: v.Row.row(t), BudgetExceeded: v.BudgetExceeded,
		}
		ask := v.ask()
		v.Want.gives(t, func() (bool, Reason) { return Decide(f, int64(v.Usage), ask) })
		if got := f.Denial(); got != v.Want.DeniesEverything {
			t.Errorf("denies everything: got %q, want %q", got, v.Want.DeniesEverything)
		}
	})
}

func TestVectorsPeriod(t *testing.T) {
	type period struct {
		vector
		ResetPeriod string   `json:"resetPeriod"`
		AccordingTo string   `json:"accordingTo"`
		Anchor      instant  `json:"anchor"`
		Cut         bool     `json:"cut"`
		Now         *instant `json:"now"` // the present, or
		At          *instant `json:"at"`  // an instant that may be before the anchor
		Want        struct {
			Refused bool     `json:"refused"`
			Start   *instant `json:"start"`
			End     *instant `json:"end"`
		} `json:"want"`
	}
	runVectors(t, "period.json", func(t *testing.T, v period) {
		r, ok := ParseReset(v.ResetPeriod, v.AccordingTo)
		if ok == v.Want.Refused {
			t.Fatalf("ParseReset: %v", ok)
		}
		if v.Want.Refused {
			return
		}
		o, find := Origin{v.Anchor.micro(), v.Cut}, r.Period
		at := v.Now
		if v.At != nil {
			find, at = r.Containing, v.At
		}
		want := Forever
		if v.Want.Start != nil {
			want = Span{v.Want.Start.micro(), v.Want.End.micro()}
		}
		now := at.micro()
		if got := find(o, now); got != want {
			t.Errorf("got %s, want %s", spoken(got), spoken(want))
		}
		if n := testing.AllocsPerRun(10, func() { find(o, now) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func spoken(s Span) string {
	if s == Forever {
		return "forever"
	}
	text := func(at int64) string { return time.UnixMicro(at).UTC().Format(time.RFC3339Nano) }
	return text(s.Start) + " to " + text(s.End)
}

func TestVectorsUsage(t *testing.T) {
	type usage struct {
		vector
		Row            wireRow  `json:"row"`
		Usage          whole    `json:"usage"`
		UsagePeriodEnd *instant `json:"usagePeriodEnd"`
		Now            *instant `json:"now"`
		Want           struct {
			CurrentUsage whole `json:"currentUsage"`
			Stale        bool  `json:"stale"`
		} `json:"want"`
	}
	runVectors(t, "usage.json", func(t *testing.T, v usage) {
		row, used, stale := v.Row.row(t), int64(v.Usage), false
		if v.Now != nil {
			period := Span{math.MinInt64, math.MaxInt64}
			if v.UsagePeriodEnd != nil {
				period.End = v.UsagePeriodEnd.micro()
			}
			used, stale = row.Current(used, period, v.Now.micro())
		}
		if got := row.Shown(used); got != int64(v.Want.CurrentUsage) || stale != v.Want.Stale {
			t.Errorf("got %d, stale %v; want %d, stale %v", got, stale, v.Want.CurrentUsage, v.Want.Stale)
		}
	})
}

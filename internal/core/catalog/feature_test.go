package catalog

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
)

func checkFeature(f Feature) refusal {
	var c errs.Checks
	f.check(&c, "f.")
	return refused(c.Err())
}

func TestFeatureMeterIsChecked(t *testing.T) {
	t.Parallel()
	meter := func(function, field string, conditions ...Condition) *Meter {
		m := &Meter{Aggregation: Aggregation{function, field}}
		for _, one := range conditions {
			m.Filters = append(m.Filters, Filter{[]Condition{one}})
		}
		return m
	}
	where := func(operation, value string, values ...string) *Meter {
		return meter("COUNT", "", Condition{"type", operation, value, values})
	}
	const at = "f.meter.filters[0].conditions[0]."
	rule := func(paths ...string) refusal { return bad("InvalidArgumentError", paths...) }
	for _, tc := range []struct {
		name  string
		given *Meter
		want  refusal
	}{
		{"none", nil, refusal{}},
		{"events", meter("COUNT", ""), refusal{}},
		{"a sum", meter("SUM", "bytes"), refusal{}},
		{"users", meter("UNIQUE", "user"), refusal{}},
		{"events of a field", meter("COUNT", "bytes"), rule("f.meter.aggregation.field")},
		{"a sum of nothing", meter("SUM", ""), rule("f.meter.aggregation.field")},
		{"users of nothing", meter("UNIQUE", ""), rule("f.meter.aggregation.field")},
		{"unknown function", meter("MEDIAN", "bytes"), bad("BadUserInput", "f.meter.aggregation.function")},
		{"a filter without conditions", &Meter{Aggregation: Aggregation{"COUNT", ""}, Filters: []Filter{{}}}, rule("f.meter.filters[0].conditions")},

		{"equal", where("EQUALS", "login"), refusal{}},
		{"one of several", where("IN", "", "login", "logout"), refusal{}},
		{"there", where("IS_NOT_NULL", ""), refusal{}},
		{"larger", where("GREATER_THAN", "1.5e3"), refusal{}},
		{"equal to nothing", where("EQUALS", ""), rule(at + "value")},
		{"a value of a test for nothing", where("IS_NULL", "x"), rule(at + "value")},
		{"a value of a list", where("IN", "x", "y"), rule(at + "value")},
		{"an empty list", where("IN", ""), rule(at + "values")},
		{"values of a single one", where("CONTAINS", "x", "y"), rule(at + "values")},
		{"larger than a word", where("LESS_THAN_OR_EQUAL", "ten"), rule(at + "value")},
		{"larger than nothing", where("GREATER_THAN", ""), rule(at + "value")},
		{"unknown operation", where("LIKE", "x"), bad("BadUserInput", at+"operation")},
		{"no field", meter("COUNT", "", Condition{"", "IS_NULL", "", nil}), bad("BadUserInput", at+"field")},
		{
			"the second of two", meter("COUNT", "", Condition{"a", "IS_NULL", "", nil}, Condition{"b", "IN", "", nil}),
			rule("f.meter.filters[1].conditions[0].values"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := Feature{RefID: "calls", DisplayName: "Calls", Type: Number, MeterType: Incremental, Meter: tc.given}
			if d := cmp.Diff(tc.want, checkFeature(f)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFeatureUnitsAndMetersNeedUsage(t *testing.T) {
	t.Parallel()
	count := &Meter{Aggregation: Aggregation{Function: "COUNT"}}
	thousands := &Transformation{Divide: 1000, Round: "UP"}
	for _, tc := range []struct {
		name  string
		given Feature
		want  refusal
	}{
		{"a meter of a value", Feature{Type: Number, MeterType: NoMeter, Meter: count}, bad("MeteringNotAvailableForFeatureType", "f.meter")},
		{"a meter of a boolean", Feature{Type: Boolean, MeterType: NoMeter, Meter: count}, bad("MeteringNotAvailableForFeatureType", "f.meter")},
		{"units of usage", Feature{Type: Number, MeterType: Fluctuating, Transformation: thousands}, refusal{}},
		{"units of a value", Feature{Type: Number, MeterType: NoMeter, Transformation: thousands}, bad("InvalidArgumentError", "f.unitTransformation")},
		{"units of a boolean", Feature{Type: Boolean, MeterType: NoMeter, Transformation: thousands}, bad("InvalidArgumentError", "f.unitTransformation")},
		{
			"units of nothing",
			Feature{Type: Number, MeterType: Incremental, Transformation: &Transformation{Divide: -1, Round: "HALF", Units: &long, UnitsPlural: &long}},
			bad("BadUserInput", "f.unitTransformation.divide", "f.unitTransformation.featureUnits", "f.unitTransformation.featureUnitsPlural", "f.unitTransformation.round"),
		},
	} {
		tc.given.DisplayName = "F"
		if d := cmp.Diff(tc.want, checkFeature(tc.given)); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

func TestEnumValuesAreCounted(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]refusal{
		0: bad("InvalidArgumentError", "f.enumConfiguration"), 1: {}, 255: {}, 256: bad("InvalidArgumentError", "f.enumConfiguration"),
	} {
		f := Feature{DisplayName: "F", Type: Enum, MeterType: NoMeter}
		for i := range n {
			f.EnumValues = append(f.EnumValues, EnumValue{fmt.Sprint(i), "One"})
		}
		if d := cmp.Diff(want, checkFeature(f)); d != "" {
			t.Errorf("%d values: %s", n, d)
		}
	}
	twice := Feature{DisplayName: "F", Type: Enum, MeterType: NoMeter, EnumValues: []EnumValue{{"a", "A"}, {"b", "B"}, {"a", "C"}}}
	if d := cmp.Diff(bad("InvalidArgumentError", "f.enumConfiguration[2].value"), checkFeature(twice)); d != "" {
		t.Error(d)
	}
}

func TestFeatureUpdateApplies(t *testing.T) {
	t.Parallel()
	before := Feature{
		RefID: "calls", DisplayName: "Calls", Units: ptr("call"), Type: Number, MeterType: Incremental,
		Transformation: &Transformation{Divide: 10, Round: "DOWN"}, Metadata: map[string]string{"a": "1", "b": "2"},
	}
	for _, tc := range []struct {
		name   string
		given  FeatureUpdate
		change func(*Feature)
		want   refusal
	}{
		{"nothing", FeatureUpdate{}, func(*Feature) {}, refusal{}},
		{"the default rounding", FeatureUpdate{Transformation: opt.Some(Transformation{Divide: 5})}, func(f *Feature) { f.Transformation = &Transformation{Divide: 5, Round: "UP"} }, refusal{}},
		{"cleared", FeatureUpdate{Units: opt.Null[string](), Transformation: opt.Null[Transformation]()}, func(f *Feature) { f.Units, f.Transformation = nil, nil }, refusal{}},
		{"metadata is merged", FeatureUpdate{Metadata: opt.Some(map[string]*string{"a": nil, "c": ptr("3")})}, func(f *Feature) { f.Metadata = map[string]string{"b": "2", "c": "3"} }, refusal{}},
		{"a bad name", FeatureUpdate{DisplayName: ptr("")}, func(f *Feature) { f.DisplayName = "" }, bad("BadUserInput", "displayName")},
		{
			"values of a number",
			FeatureUpdate{EnumValues: opt.Some([]EnumValue{{"a", "A"}})},
			func(f *Feature) { f.EnumValues = []EnumValue{{"a", "A"}} }, bad("InvalidArgumentError", "enumConfiguration"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c errs.Checks
			got, want := before, before
			tc.change(&want)
			tc.given.apply(&c, &got)
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhatUsesAFeatureHoldsIt(t *testing.T) {
	t.Parallel()
	enum := func(values ...string) Feature {
		f := Feature{RefID: "region", Type: Enum}
		for _, v := range values {
			f.EnumValues = append(f.EnumValues, EnumValue{v, v})
		}
		return f
	}
	units := func(t *Transformation) Feature { return Feature{RefID: "calls", Type: Number, Transformation: t} }
	charged := FeatureUses{Charged: true}
	for _, tc := range []struct {
		name          string
		before, after Feature
		uses          FeatureUses
		want          refusal
	}{
		{"a value in use goes", enum("a", "b"), enum("b"), FeatureUses{EnumValues: []string{"a"}}, bad("InvalidArgumentError", "f.enumConfiguration")},
		{"another goes", enum("a", "b"), enum("a"), FeatureUses{EnumValues: []string{"a"}}, refusal{}},
		{"one comes", enum("a"), enum("b", "a"), FeatureUses{EnumValues: []string{"a"}}, refusal{}},
		{"one that is gone already", enum("b"), enum("b"), FeatureUses{EnumValues: []string{"a"}}, refusal{}},
		{"units of what is charged", units(&Transformation{Divide: 10, Round: "UP"}), units(&Transformation{Divide: 100, Round: "UP"}), charged, bad("CannotUpdateUnitTransformationError", "f.unitTransformation")},
		{"their rounding", units(&Transformation{Divide: 10, Round: "UP"}), units(&Transformation{Divide: 10, Round: "DOWN"}), charged, bad("CannotUpdateUnitTransformationError", "f.unitTransformation")},
		{"units that come", units(nil), units(&Transformation{Divide: 10}), charged, bad("CannotUpdateUnitTransformationError", "f.unitTransformation")},
		{"units that go", units(&Transformation{Divide: 10}), units(nil), charged, bad("CannotUpdateUnitTransformationError", "f.unitTransformation")},
		{"their name", units(&Transformation{Divide: 10, Units: ptr("a")}), units(&Transformation{Divide: 10, Units: ptr("b")}), charged, refusal{}},
		{"units of what is not charged", units(nil), units(&Transformation{Divide: 10}), FeatureUses{}, refusal{}},
	} {
		var c errs.Checks
		tc.after.checkChange(&c, "f.", tc.before, tc.uses)
		if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

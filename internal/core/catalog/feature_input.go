package catalog

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/metadata"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/rules"
)

// maxEnumValues is the most values of an ENUM feature (domain-catalog-provisioning §3.2).
const maxEnumValues = 255

// NewFeature is a feature to be made. An empty ID lets one be made; an empty MeterType is None.
type NewFeature struct {
	ID             string
	DisplayName    string
	Description    *string
	Type           string
	MeterType      string
	Units          *string
	UnitsPlural    *string
	EnumValues     []EnumValue
	Transformation *Transformation
	Scale          uint8 // of a metered feature: the decimal places of usage, 0 to 6
	Metadata       map[string]string
}

// Validate names every bad field.
func (n NewFeature) Validate() error {
	var c errs.Checks
	checkRef(&c, "id", n.ID)
	metadata.Check(&c, "metadata", n.Metadata)
	n.feature(time.Time{}).check(&c, "")
	return c.Err()
}

func (n NewFeature) feature(now time.Time) Feature {
	f := Feature{
		ID: id.New(), RefID: refOr(n.ID, "feature"), DisplayName: n.DisplayName, Description: n.Description,
		Type: n.Type, MeterType: n.MeterType, Status: FeatureNew, Units: n.Units, UnitsPlural: n.UnitsPlural,
		EnumValues: n.EnumValues, Transformation: n.Transformation, Scale: n.Scale,
		Metadata: metadata.Given(n.Metadata), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	f.fill()
	return f
}

// fill gives what is absent its default.
func (f *Feature) fill() {
	if f.MeterType == "" {
		f.MeterType = NoMeter
	}
	if t := f.Transformation; t != nil && t.Round == "" {
		c := *t
		c.Round = "UP"
		f.Transformation = &c
	}
}

// check records every bad field of a feature; path is "" or ends with a dot.
func (f Feature) check(c *errs.Checks, path string) {
	checkNameAt(c, path+"displayName", f.DisplayName)
	checkText(c, path+"description", f.Description)
	checkText(c, path+"featureUnits", f.Units)
	checkText(c, path+"featureUnitsPlural", f.UnitsPlural)
	checkOneOf(c, path+"featureType", f.Type, Boolean, Number, Enum)
	checkOneOf(c, path+"meterType", f.MeterType, NoMeter, Fluctuating, Incremental)
	if (f.Type == Boolean || f.Type == Enum) && f.MeterType != NoMeter {
		c.Named(ErrMeteringNotAvailable, path+"meterType", "must be None for a feature of type %s", f.Type)
	}
	f.checkEnum(c, path+"enumConfiguration")
	f.checkTransformation(c, path+"unitTransformation")
	f.checkMeter(c, path+"meter")
	switch {
	case f.Scale > rules.MaxScale:
		c.Shape(path+"scale", "must be from 0 to %d", rules.MaxScale)
	case f.Scale > 0 && !f.Metered():
		c.Rule(path+"scale", "only metered features have usage")
	}
}

func (f Feature) checkEnum(c *errs.Checks, path string) {
	switch n := len(f.EnumValues); {
	case f.Type != Enum && n > 0:
		c.Rule(path, "only ENUM features have values")
	case f.Type == Enum && (n < 1 || n > maxEnumValues):
		c.Rule(path, "must have 1 to %d items", maxEnumValues)
	}
	seen := map[string]bool{}
	for i, v := range f.EnumValues {
		at := fmt.Sprintf("%s[%d]", path, i)
		if v.Value == "" {
			c.Shape(at+".value", "must not be empty")
		}
		checkText(c, at+".value", &v.Value)
		checkNameAt(c, at+".displayName", v.DisplayName)
		if seen[v.Value] {
			c.Rule(at+".value", "is there twice")
		}
		seen[v.Value] = true
	}
}

func (f Feature) checkTransformation(c *errs.Checks, path string) {
	t := f.Transformation
	if t == nil {
		return
	}
	if !f.Metered() {
		c.Rule(path, "only metered features have units to transform")
	}
	if t.Divide < 1 {
		c.Rule(path+".divide", "must be at least 1")
	}
	checkOneOf(c, path+".round", t.Round, "UP", "DOWN")
	checkText(c, path+".featureUnits", t.Units)
	checkText(c, path+".featureUnitsPlural", t.UnitsPlural)
}

var aggregations = []string{"SUM", "MAX", "MIN", "AVG", "COUNT", "UNIQUE"}

func (f Feature) checkMeter(c *errs.Checks, path string) {
	m := f.Meter
	if m == nil {
		return
	}
	if !f.Metered() {
		c.Named(ErrMeteringNotAvailable, path, "the feature %s is not metered", f.RefID)
	}
	checkOneOf(c, path+".aggregation.function", m.Aggregation.Function, aggregations...)
	switch counts := m.Aggregation.Function == "COUNT"; {
	case counts && m.Aggregation.Field != "":
		c.Rule(path+".aggregation.field", "COUNT counts events and has no field")
	case !counts && m.Aggregation.Field == "":
		c.Rule(path+".aggregation.field", "is required for %s", m.Aggregation.Function)
	}
	for i, filter := range m.Filters {
		at := fmt.Sprintf("%s.filters[%d]", path, i)
		if len(filter.Conditions) == 0 {
			c.Rule(at+".conditions", "must have at least 1 item")
		}
		for j, cond := range filter.Conditions {
			cond.check(c, fmt.Sprintf("%s.conditions[%d]", at, j))
		}
	}
}

// check records what is wrong with one comparison: what it compares with follows from its operation.
func (d Condition) check(c *errs.Checks, path string) {
	if d.Field == "" {
		c.Shape(path+".field", "must not be empty")
	}
	one, many := false, false
	switch d.Operation {
	case "IS_NULL", "IS_NOT_NULL":
	case "IN":
		many = true
	case "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL":
		one = true
		if _, err := money.ParseDecimal(d.Value); d.Value != "" && err != nil {
			c.Rule(path+".value", "must be a number for %s", d.Operation)
		}
	case "EQUALS", "NOT_EQUALS", "CONTAINS", "STARTS_WITH", "ENDS_WITH":
		one = true
	default:
		c.Shape(path+".operation", "is not known")
		return
	}
	switch {
	case one && d.Value == "":
		c.Rule(path+".value", "is required for %s", d.Operation)
	case !one && d.Value != "":
		c.Rule(path+".value", "%s has no value", d.Operation)
	}
	switch {
	case many && len(d.Values) == 0:
		c.Rule(path+".values", "must have at least 1 item for IN")
	case !many && len(d.Values) > 0:
		c.Rule(path+".values", "only IN has values")
	}
}

// FeatureUpdate is a partial change (contract §1.4). Type and meter type were fixed at creation.
type FeatureUpdate struct {
	DisplayName    *string
	Description    opt.Of[string]
	Units          opt.Of[string]
	UnitsPlural    opt.Of[string]
	EnumValues     opt.Of[[]EnumValue]
	Transformation opt.Of[Transformation]
	Meter          opt.Of[Meter]
	Metadata       opt.Of[map[string]*string]
}

// apply changes a feature and records what is wrong with what came of it.
func (u FeatureUpdate) apply(c *errs.Checks, f *Feature) {
	metadata.CheckPatch(c, "metadata", u.Metadata.Value)
	if u.DisplayName != nil {
		f.DisplayName = *u.DisplayName
	}
	u.Description.Apply(&f.Description)
	u.Units.Apply(&f.Units)
	u.UnitsPlural.Apply(&f.UnitsPlural)
	u.Transformation.Apply(&f.Transformation)
	was := f.Meter
	u.Meter.Apply(&f.Meter)
	f.countMeter(was)
	if u.EnumValues.Set {
		f.EnumValues = u.EnumValues.Value
	}
	f.Metadata = patchMetadata(c, f.Metadata, u.Metadata)
	f.fill()
	f.check(c, "")
}

// countMeter gives the feature another meter version when its meter is another one.
func (f *Feature) countMeter(was *Meter) {
	if !reflect.DeepEqual(was, f.Meter) {
		f.MeterVersion++
	}
}

// checkChange records changes that those who use the feature do not allow (domain-catalog-provisioning §3.2).
func (f Feature) checkChange(c *errs.Checks, path string, before Feature, uses FeatureUses) {
	for _, v := range before.EnumValues {
		if slices.Contains(uses.EnumValues, v.Value) && !f.hasEnumValue(v.Value) {
			c.Rule(path+"enumConfiguration", "the value %q is in use", v.Value)
		}
	}
	if uses.Charged && !sameUnits(before.Transformation, f.Transformation) {
		c.Named(ErrUnitTransformation, path+"unitTransformation", "cannot change: a published package charges for %s in these units", f.RefID)
	}
}

func sameUnits(a, b *Transformation) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Divide == b.Divide && a.Round == b.Round
}

package catalog

import "time"

// Feature kinds (domain-catalog-provisioning §3.2).
const (
	Boolean     = "BOOLEAN"
	Number      = "NUMBER"
	Enum        = "ENUM"
	NoMeter     = "None"
	Fluctuating = "FLUCTUATING"
	Incremental = "INCREMENTAL"
)

// Status values of features.
const (
	FeatureNew       = "NEW"
	FeatureActive    = "ACTIVE"
	FeatureSuspended = "SUSPENDED" // archived
)

// Feature is a unit of functionality. Status is NEW until a package first uses it, then ACTIVE; SUSPENDED is archived.
type Feature struct {
	ID             string
	RefID          string
	DisplayName    string
	Description    *string
	Type           string
	MeterType      string
	Status         string
	Units          *string
	UnitsPlural    *string
	EnumValues     []EnumValue // of an ENUM, in the order in which they are shown; never empty then
	Transformation *Transformation
	Meter          *Meter
	MeterVersion   int64  // counts the changes of the meter; 0 for none yet
	TaskID         string // of the recount that a change of the meter began: in the answer to that change only
	Scale          uint8  // of a metered one: usage is counted in units of 10^-Scale, 0 to 6
	Metadata       map[string]string
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Metered reports whether usage of the feature is counted.
func (f Feature) Metered() bool { return f.Type == Number && f.MeterType != NoMeter }

// hasEnumValue reports whether an ENUM knows a value.
func (f Feature) hasEnumValue(v string) bool {
	for _, e := range f.EnumValues {
		if e.Value == v {
			return true
		}
	}
	return false
}

// EnumValue is one of the values that an ENUM feature can have.
type EnumValue struct {
	Value       string `json:"value" minLength:"1" maxLength:"255"`
	DisplayName string `json:"displayName" minLength:"1" maxLength:"255"`
}

// Transformation shows usage in other units: divided, and rounded UP or DOWN.
type Transformation struct {
	Divide      int64   `json:"divide" minimum:"1" doc:"Usage is divided by this."`
	Round       string  `json:"round,omitempty" enum:"UP,DOWN" doc:"Default: UP."`
	Units       *string `json:"featureUnits,omitempty" maxLength:"255"`
	UnitsPlural *string `json:"featureUnitsPlural,omitempty" maxLength:"255"`
}

// Meter says how raw events become usage of a feature: those that pass any of the filters, aggregated.
type Meter struct {
	Aggregation Aggregation `json:"aggregation"`
	Filters     []Filter    `json:"filters" maxItems:"20" doc:"An event counts when it passes any of them; all events count when there is none."`
}

// Aggregation is how the values of events are put together. COUNT needs no field, the others do.
type Aggregation struct {
	Function string `json:"function" enum:"SUM,MAX,MIN,AVG,COUNT,UNIQUE"`
	Field    string `json:"field,omitempty" maxLength:"255"`
}

// Filter is a group of conditions that must all hold.
type Filter struct {
	Conditions []Condition `json:"conditions" minItems:"1" maxItems:"20"`
}

// Condition compares a field of an event.
type Condition struct {
	Field     string   `json:"field" minLength:"1" maxLength:"255"`
	Operation string   `json:"operation" enum:"EQUALS,NOT_EQUALS,GREATER_THAN,GREATER_THAN_OR_EQUAL,LESS_THAN,LESS_THAN_OR_EQUAL,IS_NULL,IS_NOT_NULL,CONTAINS,STARTS_WITH,ENDS_WITH,IN"`
	Value     string   `json:"value,omitempty" maxLength:"255"`
	Values    []string `json:"values,omitempty" maxItems:"100"`
}

// Status values of feature groups and coupons.
const (
	Active = "ACTIVE"
)

// FeatureGroup is a named set of features that are added to packages together. Changing it changes no package.
type FeatureGroup struct {
	ID          string
	RefID       string
	DisplayName string
	Description *string
	Metadata    map[string]string
	Features    []string // refIds, sorted; never nil
	Status      string   // ACTIVE or ARCHIVED
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

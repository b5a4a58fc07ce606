// Package rules decides whether a customer may use a feature, from values alone.
//
// It imports the standard library only: the Go SDK carries a copy of this folder, so
// that server and SDK answer alike (design decision 8). A Row is one effective
// entitlement, already merged from all sources; merging, caching and the words of an
// answer belong to others. Nothing here allocates.
package rules

// FeatureType is what a feature's value is.
type FeatureType uint8

// The feature types (domain-entitlements-usage §1.1). The zero value is none of them and denies.
const (
	Boolean FeatureType = iota + 1
	Number
	Enum
)

// Meter is how a feature's usage moves.
type Meter uint8

// The meters. A Number without one is a configuration value.
const (
	None        Meter = iota
	Fluctuating       // up and down: seats
	Incremental       // up only, until a period resets it: calls
)

// Row is the effective entitlement of one customer (or resource) to one feature. It is flat, since caches hold many.
type Row struct {
	Type      FeatureType
	Meter     Meter
	Granted   bool // false: the row exists, access was revoked
	Unlimited bool
	Soft      bool  // the limit is shown, not enforced
	HasLimit  bool  // false: the limit is 0
	Limit     int64 // whole units, as shown
	// Scale says how fine usage is: it is counted in units of 10^-Scale. 0 to MaxScale.
	Scale uint8
	// Divide is how many reported units are one shown unit; 0 or less for the same. What remains is rounded up unless
	// RoundDown.
	Divide    int64
	RoundDown bool
	Reset     Reset // when usage starts again
	// EnumValues are the allowed values of an Enum. Rows may share the slice; nobody writes to it.
	EnumValues []string
}

// Ask is what a caller wants to do with the feature. The zero value asks for the present state.
type Ask struct {
	RequestedUsage  int64 // shown units of 10^-RequestedScale, added to the current usage; below 0 counts as 0
	RequestedScale  uint8 // 0 for whole units; what is finer than the row's scale is rounded up
	RequestedValues []string
}

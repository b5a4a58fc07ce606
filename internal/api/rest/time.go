package rest

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/purserhq/purser/internal/base/clock"
)

// Time is an instant on the wire: written as RFC 3339 UTC with milliseconds, read with any precision and offset
// (contract §1.4) and cut to microseconds.
type Time struct{ time.Time }

const (
	wireTime  = "2006-01-02T15:04:05.000Z07:00"
	timeIssue = "must be a time like 2026-01-31T12:00:00Z"
)

var errTime = errors.New(timeIssue)

// At returns t as it is written on the wire.
func At(t time.Time) Time { return Time{t} }

// MarshalJSON writes the instant.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(wireTime)+2)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, wireTime)
	return append(b, '"'), nil
}

// UnmarshalJSON reads an instant.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	return t.UnmarshalText([]byte(s))
}

// UnmarshalText reads an instant.
func (t *Time) UnmarshalText(b []byte) (err error) {
	t.Time, err = parseTime(string(b))
	return err
}

// Schema is a date-time.
func (Time) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, errTime
	}
	if t = clock.Trim(t); t.Year() < 1 || t.Year() > 9999 { // an offset can push it out
		return t, errTime
	}
	return t, nil
}

// DateRange is a filter in brackets: createdAt[gte]=2026-01-01T00:00:00Z. A zero member does not limit.
type DateRange struct{ GT, GTE, LT, LTE time.Time }

// Schema describes the members.
func (DateRange) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}}
	for _, name := range rangeMembers {
		s.Properties[name] = &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	}
	return s
}

var rangeMembers = []string{"gt", "gte", "lt", "lte"}

func (d *DateRange) member(name string) *time.Time {
	switch name {
	case "gt":
		return &d.GT
	case "gte":
		return &d.GTE
	case "lt":
		return &d.LT
	case "lte":
		return &d.LTE
	}
	return nil
}

package rest

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/meter"
)

// appendEntitlement writes what json.Marshal(featureEntitlementOf(a, kind)) would, byte for byte and without reflection.
func appendEntitlement(b []byte, a *entitlement.Answer, kind string) []byte {
	return append(appendMembers(append(b, '{'), a, kind), '}')
}

// appendMembers writes the members alone.
func appendMembers(b []byte, a *entitlement.Answer, kind string) []byte {
	b = append(b, `"accessDeniedReason":`...)
	if a.Reason == "" {
		b = append(b, "null"...)
	} else {
		b = appendText(b, string(a.Reason))
	}
	b = append(b, `,"isGranted":`...)
	b = strconv.AppendBool(b, a.Granted)
	b = append(b, `,"type":"`...)
	b = append(b, kind...)
	b = append(b, '"')
	if a.Feature.RefID != "" {
		b = appendFeature(b, &a.Feature)
	}
	e := a.Entitlement
	if e != nil {
		b = appendLimits(b, e)
	}
	if a.Feature.Metered() {
		b = append(b, `,"currentUsage":`...)
		n := a.Current()
		b = meter.AppendNumber(b, n.N, n.Scale)
		b = append(b, `,"requestedUsage":`...)
		b = meter.AppendNumber(b, a.Ask.RequestedUsage, a.Ask.RequestedScale)
	}
	if e != nil {
		b = appendTexts(b, `,"enumValues":`, e.Row.EnumValues)
	}
	if a.Feature.Type == catalog.Enum {
		b = appendTexts(b, `,"requestedValues":`, a.Ask.RequestedValues)
	}
	if e != nil {
		b = appendReset(b, a)
	}
	if until := a.ValidUntil(); !until.IsZero() {
		b = appendTime(b, `,"validUntil":"`, until)
	}
	if a.Explanation != nil {
		b = appendSlow(append(b, `,"explanation":`...), a.Explanation)
	}
	return b
}

func appendFeature(b []byte, f *entitlement.Feature) []byte {
	b = append(b, `,"feature":{"id":`...)
	b = appendText(b, f.RefID)
	b = append(b, `,"displayName":`...)
	b = appendText(b, f.DisplayName)
	b = appendGiven(b, `,"description":`, f.Description)
	b = append(b, `,"featureType":`...)
	b = appendText(b, f.Type)
	b = append(b, `,"meterType":`...)
	b = appendText(b, f.MeterType)
	b = append(b, `,"featureStatus":`...)
	b = appendText(b, f.Status)
	b = appendGiven(b, `,"featureUnits":`, f.Units)
	b = appendGiven(b, `,"featureUnitsPlural":`, f.UnitsPlural)
	if len(f.EnumValues) > 0 {
		b = appendSlow(append(b, `,"enumConfiguration":`...), f.EnumValues)
	}
	if t := transformationOf(f.Transform); !t.IsNull() {
		b = appendSlow(append(b, `,"unitTransformation":`...), t)
	}
	if len(f.Metadata) > 0 {
		b = appendMap(b, `,"additionalMetaData":`, f.Metadata)
	}
	return append(b, '}')
}

func appendLimits(b []byte, e *entitlement.Entitlement) []byte {
	b = append(b, `,"hasUnlimitedUsage":`...)
	b = strconv.AppendBool(b, e.Row.Unlimited)
	b = append(b, `,"hasSoftLimit":`...)
	b = strconv.AppendBool(b, e.Row.Soft)
	b = append(b, `,"usageLimit":`...)
	if e.Row.HasLimit {
		return strconv.AppendInt(b, e.Row.Limit, 10)
	}
	return append(b, "null"...)
}

func appendReset(b []byte, a *entitlement.Answer) []byte {
	e := a.Entitlement
	b = append(b, `,"resetPeriod":`...)
	if e.ResetPeriod != "" {
		b = appendText(b, e.ResetPeriod)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"resetPeriodConfiguration":`...)
	if e.ResetConfiguration != "" {
		b = append(b, `{"accordingTo":`...)
		b = appendText(b, e.ResetConfiguration)
		b = append(b, '}')
	} else {
		b = append(b, "null"...)
	}
	if p, ok := a.Period(); ok {
		end := time.UnixMicro(p.End).UTC()
		b = appendTime(b, `,"usagePeriodAnchor":"`, time.UnixMicro(a.Origin.Anchor).UTC())
		b = appendTime(b, `,"usagePeriodStart":"`, time.UnixMicro(p.Start).UTC())
		b = appendTime(b, `,"usagePeriodEnd":"`, end)
		b = appendTime(b, `,"nextResetDate":"`, end)
	}
	b = appendGiven(b, `,"displayNameOverride":`, e.DisplayNameOverride)
	b = appendTexts(b, `,"hiddenFromWidgets":`, e.HiddenFromWidgets)
	return appendTime(b, `,"entitlementUpdatedAt":"`, e.UpdatedAt)
}

// appendGiven writes a member unless it is absent.
func appendGiven(b []byte, name string, s *string) []byte {
	if s == nil {
		return b
	}
	return appendText(append(b, name...), *s)
}

// appendTexts writes a list unless it is empty.
func appendTexts(b []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(b, name...)
	for i, s := range list {
		if i == 0 {
			b = append(b, '[')
		} else {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

// appendText writes a string; anything out of the ordinary is left to encoding/json.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return appendSlow(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendSlow writes strings and lists of strings, which cannot fail.
func appendSlow(b []byte, v any) []byte {
	text, _ := json.Marshal(v)
	return append(b, text...)
}

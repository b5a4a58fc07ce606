package catalog

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Changes are the differences between two versions, in words and as data (contract §4.4).
type Changes struct {
	Added   []Added   `json:"added"`
	Changed []Changed `json:"changed"`
	Removed []Added   `json:"removed"`
}

// Added is something that one of two versions has alone.
type Added struct {
	Path  string `json:"path"`
	Value any    `json:"value"`
	Text  string `json:"text"`
}

// Changed is something that differs.
type Changed struct {
	Path   string `json:"path"`
	Before any    `json:"before"`
	After  any    `json:"after"`
	Text   string `json:"text"`
}

// Empty reports whether there are no differences.
func (c Changes) Empty() bool { return len(c.Added)+len(c.Changed)+len(c.Removed) == 0 }

// Compare says what makes after another version than before; nil is a version with nothing in it.
func Compare(before, after *Version) Changes {
	return compareItems(itemsOf(before), itemsOf(after))
}

// item is a part of something that is compared.
type item struct {
	path  string
	value any // decoded JSON; nil when absent
}

// itemsOf takes a version apart.
func itemsOf(v *Version) []item {
	if v == nil {
		return nil
	}
	list := []item{
		{"displayName", v.DisplayName},
		{"description", decode(v.Description)},
		{"pricingType", orNil(v.PricingType)},
		{"overageBillingPeriod", orNil(v.OveragePeriod)},
		{trialPath, decode(v.Trial.file())},
		{"parentPlanId", orNil(v.ParentID)},
		{"maxQuantity", decode(v.MaxQuantity)},
	}
	for _, ref := range v.Compatible {
		list = append(list, item{"compatibleAddonIds." + ref, ref})
	}
	for _, ref := range v.Dependencies {
		list = append(list, item{"dependencies." + ref, ref})
	}
	for i := range v.Entitlements {
		e := &v.Entitlements[i]
		path := "entitlements." + e.Ref()
		if e.Type == CreditEntitlement {
			path = "credits." + e.Ref()
		}
		list = append(list, item{path, decode(e.file())})
	}
	for i := range v.Prices {
		p := &v.Prices[i]
		list = append(list, item{"charges." + p.path(), decode(p.file())})
	}
	return list
}

// path names a price: "PER_UNIT.feature-seats.MONTHLY.DE".
func (p *Price) path() string {
	s := p.charge().String() + "." + p.BillingPeriod
	if p.Country != "" {
		s += "." + p.Country
	}
	return s
}

// file is the price with what it shares with the others of its charge.
func (p *Price) file() any {
	return struct {
		PricePeriod
		TiersMode   string `json:"tiersMode,omitempty"`
		MinQuantity *int64 `json:"minUnitQuantity,omitempty"`
		MaxQuantity *int64 `json:"maxUnitQuantity,omitempty"`
		ResetPeriod string `json:"resetPeriod,omitempty"`
		ResetMembers
	}{
		PricePeriod{p.BillingPeriod, p.Country, p.Price, p.BlockSize, p.Tiers, p.CreditRate, p.GrantCadence},
		p.TiersMode, p.MinQuantity, p.MaxQuantity, p.ResetPeriod,
		resetMembersOf(p.ResetPeriod, p.Reset),
	}
}

func compareItems(before, after []item) Changes {
	c := Changes{Added: []Added{}, Changed: []Changed{}, Removed: []Added{}}
	old := map[string]any{}
	for _, i := range before {
		old[i.path] = i.value
	}
	seen := map[string]bool{}
	for _, i := range after {
		seen[i.path] = true
		c.item(i.path, old[i.path], i.value)
	}
	for _, i := range before {
		if !seen[i.path] {
			c.item(i.path, i.value, nil)
		}
	}
	return c
}

// item compares one part; objects are compared member by member.
func (c *Changes) item(path string, before, after any) {
	x, isObject := before.(map[string]any)
	y, alsoObject := after.(map[string]any)
	switch {
	case reflect.DeepEqual(before, after):
	case before == nil:
		c.Added = append(c.Added, Added{path, after, fmt.Sprintf("%s is new: %s.", path, words(after))})
	case after == nil:
		c.Removed = append(c.Removed, Added{path, before, fmt.Sprintf("%s is gone; it was %s.", path, words(before))})
	case isObject && alsoObject && !isMoney(x) && !isMoney(y):
		for _, name := range names(x, y) {
			if !reflect.DeepEqual(x[name], y[name]) {
				c.change(path+"."+name, x[name], y[name])
			}
		}
	default:
		c.change(path, before, after)
	}
}

func (c *Changes) change(path string, before, after any) {
	c.Changed = append(c.Changed, Changed{path, before, after, fmt.Sprintf("%s was %s and becomes %s.", path, words(before), words(after))})
}

func names(x, y map[string]any) []string {
	var list []string
	for _, m := range []map[string]any{x, y} {
		for name := range m {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return list
}

func isMoney(m map[string]any) bool {
	_, amount := m["amount"]
	_, currency := m["currency"]
	return amount && currency && len(m) == 2
}

// words says a value.
func words(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	case map[string]any:
		if isMoney(v) {
			return fmt.Sprintf("%v %v", v["amount"], v["currency"])
		}
		var parts []string
		for _, name := range names(v, nil) {
			if name != "id" {
				parts = append(parts, name+" "+words(v[name]))
			}
		}
		if len(parts) == 0 {
			return "granted"
		}
		return strings.Join(parts, ", ")
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, words(e))
		}
		return "[" + strings.Join(parts, "; ") + "]"
	}
	return fmt.Sprint(v)
}

// decode is a value as JSON has it: objects as maps, numbers as their text.
func decode(v any) any {
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil // plain values: it cannot happen
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var out any
	_ = d.Decode(&out)
	return out
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

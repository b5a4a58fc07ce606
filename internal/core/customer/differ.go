package customer

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
)

// differing names the fields in which two states of one customer differ: what customer.updated tells, without values.
func differing(a, b Customer) []string {
	var names []string
	add := func(name string, same bool) {
		if !same {
			names = append(names, name)
		}
	}
	add("name", equal(a.Name, b.Name))
	add("email", equal(a.Email, b.Email))
	add("billingId", equal(a.BillingID, b.BillingID))
	add("billingCurrency", equal(a.BillingCurrency, b.BillingCurrency))
	add("couponId", equal(a.CouponID, b.CouponID))
	add("language", equal(a.Language, b.Language))
	add("timezone", equal(a.Timezone, b.Timezone))
	add("salesforceId", equal(a.SalesforceID, b.SalesforceID))
	add("defaultPaymentMethod", equalJSON(a.DefaultPaymentMethod, b.DefaultPaymentMethod))
	add("integrations", equalJSON(a.Integrations, b.Integrations))
	add("passthrough", equalJSON(a.Passthrough, b.Passthrough))
	add("metadata", maps.Equal(a.Metadata, b.Metadata))
	return names
}

func equal(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// equalJSON compares values: a database may give JSON back in another order and with other spaces.
func equalJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, xerr := decoded(a)
	y, yerr := decoded(b)
	return xerr == nil && yerr == nil && reflect.DeepEqual(x, y)
}

// decoded keeps numbers as text: not all fit in a float.
func decoded(raw json.RawMessage) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

package customer

import (
	"bytes"
	"maps"
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
	add("language", equal(a.Language, b.Language))
	add("timezone", equal(a.Timezone, b.Timezone))
	add("defaultPaymentMethod", bytes.Equal(a.DefaultPaymentMethod, b.DefaultPaymentMethod))
	add("integrations", bytes.Equal(a.Integrations, b.Integrations))
	add("passthrough", bytes.Equal(a.Passthrough, b.Passthrough))
	add("metadata", maps.Equal(a.Metadata, b.Metadata))
	return names
}

func equal(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

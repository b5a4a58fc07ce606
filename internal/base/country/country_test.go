package country

import (
	"slices"
	"testing"
)

func TestValid(t *testing.T) {
	t.Parallel()
	if len(known) != 249 || !slices.IsSorted(known) {
		t.Errorf("%d codes, sorted: %v; want the 249 of ISO 3166-1", len(known), slices.IsSorted(known))
	}
	for _, code := range []string{"AD", "DE", "US", "ZW"} {
		if !Valid(code) {
			t.Errorf("%s is a country", code)
		}
	}
	for _, code := range []string{"", "de", "EU", "UK", "USA", "ZZ"} {
		if Valid(code) {
			t.Errorf("%q is no country", code)
		}
	}
}

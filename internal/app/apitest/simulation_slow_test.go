//go:build slow

package apitest

import (
	"testing"

	"github.com/purserhq/purser/internal/store/storetest"
)

// Three years of a thousand subscriptions and more, over a leap day.
func TestSlowSimulation(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			simulate(t, engine, scale{people: 240, subscriptions: 1000, years: 3, steps: 110, touched: 18})
		})
	}
}

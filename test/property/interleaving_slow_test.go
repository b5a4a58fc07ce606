//go:build slow

package property

import (
	"testing"

	"github.com/purserhq/purser/internal/guarantee"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestSlowInterleavings(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		guarantee.Measured(t, "interleavings", "%s, 0 findings", interleave(t, cfg, 60))
	})
}

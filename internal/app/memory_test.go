package app

import "testing"

func TestGCPercent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		live uint64
		want int
	}{
		{"nothing lives yet", 0, 1600},
		{"a small heap gathers 16 MiB", 4 << 20, 400},
		{"as much as lives", 16 << 20, 100},
		{"a large heap keeps Go's default", 300 << 20, 100},
	} {
		if got := gcPercent(tc.live); got != tc.want {
			t.Errorf("%s: %d %%, want %d %%", tc.name, got, tc.want)
		}
	}
}

package page_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
)

func TestSlice(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		req  page.Request
		want page.Of[string]
	}{
		{"all", page.Request{Limit: 5}, page.Of[string]{Items: []string{"a", "b", "c", "d", "e"}}},
		{"first", page.Request{Limit: 2}, page.Of[string]{Items: []string{"a", "b"}, Next: "b"}},
		{"middle", page.Request{Limit: 2, After: "b"}, page.Of[string]{Items: []string{"c", "d"}, Next: "d", Prev: "c"}},
		{"last", page.Request{Limit: 2, After: "d"}, page.Of[string]{Items: []string{"e"}, Prev: "e"}},
		{"after the last", page.Request{Limit: 2, After: "e"}, page.Of[string]{}},
		{"back to the middle", page.Request{Limit: 2, Before: "e"}, page.Of[string]{Items: []string{"c", "d"}, Next: "d", Prev: "c"}},
		{"back to the first", page.Request{Limit: 2, Before: "c"}, page.Of[string]{Items: []string{"a", "b"}, Next: "b"}},
		{"before the first", page.Request{Limit: 2, Before: "a"}, page.Of[string]{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := page.Slice(tc.req, []string{"a", "b", "c", "d", "e"}, func(s string) string { return s })
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Items) == 0 {
				got.Items = nil
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSliceRefusesForeignCursors(t *testing.T) {
	t.Parallel()
	for _, r := range []page.Request{{Limit: 2, After: "x"}, {Limit: 2, Before: "x"}} {
		if _, err := page.Slice(r, []string{"a"}, func(s string) string { return s }); !errors.Is(err, errs.BadUserInput) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

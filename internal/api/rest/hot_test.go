package rest

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHotQuery(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "a=1", "a=1&b=x%20y&&c", "a=b=c&a=2", "%61=+", "a=%zz", "a;b=1", "a=1;2"} {
		want, wantErr := url.ParseQuery(raw)
		got := url.Values{}
		q := hotQuery{rest: raw}
		for name, value, ok := q.next(); ok; name, value, ok = q.next() {
			got.Add(name, value)
		}
		if (q.err != nil) != (wantErr != nil) {
			t.Errorf("%q: error %v, want %v", raw, q.err, wantErr)
		}
		if d := cmp.Diff(want, got); d != "" && wantErr == nil {
			t.Errorf("%q (-want +got):\n%s", raw, d)
		}
	}
	for _, raw := range []string{"a=%00", "a=%ff"} {
		q := hotQuery{rest: raw}
		if _, _, ok := q.next(); ok || q.err == nil {
			t.Errorf("%q is accepted", raw)
		}
	}
	w := httptest.NewRecorder()
	if ignore(w); w.Header().Get(ignoredHeader) != "" {
		t.Errorf("nothing was ignored: %v", w.Header())
	}
	if ignore(w, "b", "a\n"); w.Header().Get(ignoredHeader) != "a?, b" {
		t.Errorf("got %v", w.Header())
	}
}

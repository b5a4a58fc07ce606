package rest

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/money"
)

func TestBadBodies(t *testing.T) {
	t.Parallel()
	const json400 = "BadUserInput body: is not valid JSON: "
	for _, tc := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"no body", "", 400, "BadUserInput body: is required"},
		{"null", "null", 400, "BadUserInput body: must be an object"},
		{"a list", "[1]", 400, "BadUserInput body: must be an object"},
		{"cut off", `{"id":`, 400, json400 + "it ends too early"},
		{"two values", `{"id":"a"} {}`, 400, json400 + "something follows it"},
		{"not JSON", `id=1`, 400, json400 + "invalid character 'i' looking for beginning of value"},
		{"NaN", `{"id":"a","count":NaN}`, 400, json400 + "invalid character 'N' looking for beginning of value"},
		{"not UTF-8", "{\"id\":\"\xff\"}", 400, json400 + "it must be UTF-8"},
		{"required", `{}`, 400, "BadUserInput id: is required"},
		{"wrong case is another name", `{"ID":"a"}`, 400, "BadUserInput id: is required"},
		{"type", `{"id":1}`, 400, "BadUserInput id: must be a string"},
		{"null where it cannot be", `{"id":"a","mode":null}`, 400, "BadUserInput mode: must not be null"},
		{"empty", `{"id":""}`, 400, "BadUserInput id: must not be empty"},
		{"length", `{"id":"123456789"}`, 400, "BadUserInput id: must not be longer than 8 characters"},
		{"enum", `{"id":"a","mode":"QUICK"}`, 400, "BadUserInput mode: must be one of FAST, SLOW"},
		{"fraction", `{"id":"a","count":1.5}`, 400, "BadUserInput count: must be a whole number"},
		{"range", `{"id":"a","count":10}`, 400, "BadUserInput count: must be from 1 to 9"},
		{"huge", `{"id":"a","count":1e999}`, 400, "BadUserInput count: must be a whole number"},
		{"huge decimal", `{"id":"a","price":1e400}`, 400, "BadUserInput price: must be a number of ordinary size"},
		{"decimal as text", `{"id":"a","price":"1.5"}`, 400, "BadUserInput price: must be a number"},
		{"time", `{"id":"a","from":"yesterday"}`, 400, "BadUserInput from: must be a time like 2026-01-31T12:00:00Z"},
		{"time beyond years", `{"id":"a","from":"9999-12-31T23:59:59-10:00"}`, 400, "BadUserInput from: must be a time like 2026-01-31T12:00:00Z"},
		{"NUL", `{"id":"a\u0000"}`, 400, "BadUserInput id: must not contain the character U+0000"},
		{"NUL in free JSON", `{"id":"a","anything":{"b":["\u0000"]}}`, 400, "BadUserInput anything.b[0]: must not contain the character U+0000"},
		{"boolean", `{"id":"a","flag":"true"}`, 400, "BadUserInput flag: must be true or false"},
		{"object", `{"id":"a","labels":[]}`, 400, "BadUserInput labels: must be an object"},
		{"map value", `{"id":"a","labels":{"k":1}}`, 400, "BadUserInput labels.k: must be a string"},
		{"strict member", `{"id":"a","params":{"planId":"p","addon":1}}`, 400, "BadUserInput params.addon: is not known here"},
		{"strict goes further in", `{"id":"a","params":{"planId":"p","parts":[{"name":"x","size":1}]}}`, 400, "BadUserInput params.parts[0].size: is not known here"},
		{"pattern in a list", `{"id":"a","params":{"planId":"p","parts":[{"name":"x"},{"name":"X"}]}}`, 400, "BadUserInput params.parts[1].name: must match ^[a-z]+$"},
		{"items", `{"id":"a","params":{"planId":"p","parts":[{},{},{}]}}`, 400, "BadUserInput params.parts: must have at most 2 items"},
		{"a list is a list", `{"id":"a","params":{"planId":"p","parts":{}}}`, 400, "BadUserInput params.parts: must be a list"},
		{
			"everything at once", `{"id":1,"mode":"x","params":{"planId":12345678901}}`, 400,
			"BadUserInput id: must be a string; mode: must be one of FAST, SLOW; params.planId: must be a string",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newSample(t).do("POST", "/api/v1/widgets", tc.body)
			if got := problemOf(t, w); got != tc.want || w.Code != tc.status {
				t.Errorf("got  %d %s\nwant %d %s", w.Code, got, tc.status, tc.want)
			}
		})
	}
}

func TestManyBadFieldsAreCut(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	w := newSample(t).do("POST", "/api/v1/widgets", `{"id":"a","labels":{"x":1`+b.String()+`}}`)
	if n := strings.Count(problemOf(t, w), ";") + 1; w.Code != 400 || n != maxBad {
		t.Errorf("%d with %d details", w.Code, n)
	}
}

func TestGoodBody(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	w := s.do("POST", "/api/v1/widgets?dryRun=true", `{
		"id":"a","mode":"FAST","count":3,"price":0.10000000000000000001,"from":"2026-01-02T03:04:05.123456789+01:00",
		"params":null,"labels":{"b":"c"},"anything":[1.50],"flag":true}`, "Content-Type", "application/json; charset=UTF-8")
	if w.Code != 201 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	in := s.received.(*createWidgetInput)
	if !in.DryRun || in.Body.Count != 3 || in.Body.Labels["b"] != "c" || string(in.Body.Anything) != "[1.50]" || !in.Body.Flag {
		t.Errorf("got %+v", in)
	}
	if want := money.MustDecimal("0.10000000000000000001"); !in.Body.Price.Equal(want) {
		t.Errorf("price %v, want %v", in.Body.Price, want)
	}
	if at, ok := in.Body.From.Get(); !ok || !at.Equal(time.Date(2026, 1, 2, 2, 4, 5, 123456000, time.UTC)) {
		t.Errorf("from %v", at)
	}
	if !in.Body.Params.IsNull() {
		t.Error("null params are not null")
	}
	if w := s.do("PUT", "/api/v1/optional", ""); w.Code != 200 || s.received.(*optionalBody).Body != nil {
		t.Errorf("no body: %d %+v", w.Code, s.received)
	}
	if w := s.do("PUT", "/api/v1/optional", `{"name":"x"}`); w.Code != 200 || s.received.(*optionalBody).Body.Name != "x" {
		t.Errorf("body: %d %+v", w.Code, s.received)
	}
}

func TestSizeAndMediaType(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	good := `{"id":"a"}`
	for _, tc := range []struct {
		name, body string
		head       []string
		status     int
		code       string
	}{
		{"exactly the limit", good + strings.Repeat(" ", 100-len(good)), nil, 200, ""},
		{"one more", good + strings.Repeat(" ", 101-len(good)), nil, 413, "PayloadTooLarge"},
		{"form", good, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "UnsupportedMediaType"},
		{"text", good, []string{"Content-Type", "text/plain"}, 415, "UnsupportedMediaType"},
		{"no type", good, []string{"Content-Type", ""}, 415, "UnsupportedMediaType"},
		{"broken type", good, []string{"Content-Type", "application/json; ="}, 415, "UnsupportedMediaType"},
		{"latin-1", good, []string{"Content-Type", "application/json; charset=latin1"}, 415, "UnsupportedMediaType"},
		{"gzip", good, []string{"Content-Encoding", "gzip"}, 415, "UnsupportedMediaType"},
		{"a json type", good, []string{"Content-Type", "application/merge-patch+json"}, 200, ""},
	} {
		w := s.do("POST", "/api/v1/own", tc.body, tc.head...)
		if w.Code != tc.status {
			t.Errorf("%s: %d %s, want %d", tc.name, w.Code, w.Body, tc.status)
		}
		if tc.code != "" {
			if got := problemOf(t, w); got != tc.code {
				t.Errorf("%s: %s, want %s", tc.name, got, tc.code)
			}
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/own", struct{ *strings.Reader }{strings.NewReader(good + strings.Repeat(" ", 200))})
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", "server-1")
	w := httptest.NewRecorder()
	if s.api.ServeHTTP(w, r); w.Code != 413 {
		t.Errorf("without Content-Length: %d", w.Code)
	}
}

func TestIgnoredFields(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	w := s.do("POST", "/api/v1/widgets?dry=1", `{"id":"a","ID":"b","nmae":1,"inner":{"X":"y","z":{"\u0000":1}},"bad name\r\n":1}`)
	want := "ID, bad?name??, dry, inner.z, nmae"
	if got := w.Header().Get(ignoredHeader); got != want || w.Code != 201 {
		t.Errorf("%d, ignored %q, want %q", w.Code, got, want)
	}
	in := s.received.(*createWidgetInput)
	if in.Body.ID != "a" || in.Body.Inner.X != "y" {
		t.Errorf("an ignored member was used: %+v", in.Body)
	}
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, `,"%03d%s":1`, i, strings.Repeat("x", 80))
	}
	names := strings.Split(s.do("POST", "/api/v1/widgets", `{"id":"a"`+b.String()+`}`).Header().Get(ignoredHeader), ", ")
	if len(names) != maxIgnored || len(names[0]) != maxName || !strings.HasPrefix(names[19], "019") {
		t.Errorf("%d names, first %q", len(names), names[0])
	}
	w = s.do("POST", "/api/v1/own?dry=1", `{"id":"a","nmae":1,"inner":{"X":"y","z":1}}`)
	if got, want := problemOf(t, w), "BadUserInput dry: is not known here; inner.z: is not known here; nmae: is not known here"; got != want {
		t.Errorf("own route:\n got %s\nwant %s", got, want)
	}
	if w := s.do("GET", "/api/v1/widgets/x?a=1&b[c]=2", ""); w.Header().Get(ignoredHeader) != "a, b[c]" {
		t.Errorf("query: ignored %q", w.Header().Get(ignoredHeader))
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	const uuid = "0198a2b4-0000-7000-8000-000000000001"
	w := s.do("GET", "/api/v1/widgets?limit=5&after="+uuid+"&status=NEW%2COLD&status=NEW&createdAt%5Bgte%5D=2026-01-01T00:00:00Z&createdAt[lt]=2026-02-01T00:00:00.5%2B02:00&since=2026-01-01T00:00:00Z&name=abc", "")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got := s.received.(*listWidgetsInput)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want := &listWidgetsInput{
		Paging: Paging{Limit: 5, After: uuid}, Status: []string{"NEW", "OLD", "NEW"}, Name: "abc", Since: At(day),
		CreatedAt: DateRange{GTE: day, LT: time.Date(2026, 1, 31, 22, 0, 0, 500e6, time.UTC)},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for query, want := range map[string]string{
		"limit=0":                           "limit: must be from 1 to 100",
		"limit=101":                         "limit: must be from 1 to 100",
		"limit=x":                           "limit: must be a whole number",
		"limit=":                            "limit: must be a whole number",
		"limit=1&limit=2":                   "limit: is given more than once",
		"limit=NaN":                         "limit: must be a whole number",
		"limit=0x10":                        "limit: must be a whole number",
		"after=abc":                         "after: must be a UUID",
		"status=NEW,BAD":                    "status[1]: must be one of NEW, OLD",
		"createdAt[gte]=x":                  "createdAt[gte]: must be a time like 2026-01-31T12:00:00Z",
		"since=x":                           "since: must be a time like 2026-01-31T12:00:00Z",
		"name=abcd":                         "name: must not be longer than 3 characters",
		"name=%00":                          "name: must not contain the character U+0000",
		"name=%ff":                          "name: must be UTF-8",
		"name=%zz":                          "query: is malformed",
		"includeArchived=1":                 "includeArchived: must be true or false",
		"limit=x&name=abcd&after=1":         "after: must be a UUID; limit: must be a whole number; name: must not be longer than 3 characters",
		"after=" + uuid + "&before=" + uuid: "before: cannot be combined with after",
	} {
		w := s.do("GET", "/api/v1/widgets?"+query, "")
		if got := problemOf(t, w); got != "BadUserInput "+want || w.Code != 400 {
			t.Errorf("%s: %d %s, want %s", query, w.Code, got, want)
		}
	}
	if w := s.do("GET", "/api/v1/widgets/%00", ""); w.Code != 400 {
		t.Errorf("NUL in the path: %d", w.Code)
	}
	if w := s.do("GET", "/api/v1/widgets/a%2Fb%7C..", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"id":"a/b|.."`) {
		t.Errorf("escaped path: %d %s", w.Code, w.Body)
	}
}

func TestPatchTellsAbsentFromNull(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	for body, want := range map[string]string{
		`{}`:                           "absent",
		`{"name":null}`:                "null",
		`{"name":"n","title":"t"}`:     "n t",
		`{"title":null}`:               "BadUserInput title: must not be null",
		`{"title":"","name":"abcdef"}`: "BadUserInput name: must not be longer than 5 characters; title: must not be empty",
	} {
		w := s.do("PATCH", "/api/v1/widgets/x", body)
		if w.Code != 200 {
			if got := problemOf(t, w); got != want {
				t.Errorf("%s: %s, want %s", body, got, want)
			}
			continue
		}
		in := s.received.(*patchWidgetInput)
		got := "absent"
		if v, ok := in.Body.Name.Get(); ok {
			got = v
		} else if in.Body.Name.IsNull() {
			got = "null"
		}
		if title := in.Body.Title.Ptr(); title != nil {
			got += " " + *title
		}
		if got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a"}`, `{"id":"a","params":{"planId":"p","parts":[{"name":"x"}]}}`, `{"id":null,"count":1e999}`, `[`, `null`, `"\ud800"`,
		`{"from":"2026-01-01T00:00:00Z","price":1.5,"labels":{"a":"b"},"anything":{"a":[[]]}}`, `{"id":"a","id":"b"}`,
	} {
		f.Add([]byte(seed), "status=NEW&createdAt[gte]=x")
	}
	s := newSample(f)
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		for _, path := range []string{"/api/v1/widgets", "/api/v1/own"} {
			r := httptest.NewRequestWithContext(t.Context(), "POST", path, strings.NewReader(string(body)))
			r.URL.RawQuery = query
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Api-Key", "server-1")
			if path == "/api/v1/own" {
				r.Header.Set(idempotencyHeader, "always the same")
			}
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, r)
			if w.Code >= 500 && !broken(s.received) || w.Code == 422 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
			if w.Code >= 300 {
				problemOf(t, w)
			}
		}
	})
}

// broken reports whether the sample was asked to fail.
func broken(received any) bool {
	in, ok := received.(*createWidgetInput)
	return ok && in.Body.ID == "broken"
}

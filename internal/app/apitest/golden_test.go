package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/go-cmp/cmp"
)

// made finds what differs from run to run.
var made = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<uuid>"},
	{regexp.MustCompile(`subscription-[0-9a-f]{6,16}`), "<subscription>"},
	{regexp.MustCompile(`("requestId": )"[^"]+"`), `$1"<request>"`},
	{regexp.MustCompile(`("(?:position|next)": )"[^"]+\.[0-9]+"`), `$1"<position>"`},
}

// golden compares the whole body with a file in testdata. Keys are sorted: the engines keep JSON in different orders.
func (a *answer) golden(name string) *answer {
	a.t.Helper()
	var b bytes.Buffer
	d, e := json.NewDecoder(bytes.NewReader(a.raw)), json.NewEncoder(&b)
	d.UseNumber()
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	var tree any
	if err := errors.Join(d.Decode(&tree), e.Encode(&tree)); err != nil {
		a.t.Fatal(err)
	}
	got := b.Bytes()
	for _, m := range made {
		got = m.pattern.ReplaceAll(got, []byte(m.name))
	}
	checkFile(a.t, filepath.Join("testdata", name+".json"), got)
	return a
}

// checkFile compares a checked-in file with what it should be, or rewrites it.
func checkFile(t interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}, path string, want []byte,
) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), string(want)); d != "" {
		t.Errorf("%s is not current; run the test with -update (-file +made):\n%s", path, d)
	}
}

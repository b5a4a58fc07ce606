package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The README and this program know the same blocks, also when nobody runs `make newcomer`.
func TestReadme(t *testing.T) {
	t.Parallel()
	found, err := readBlocks("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range found {
		if b.script == "" {
			t.Errorf("block %q is empty", b.name)
		}
	}
	if got := found.get("run").script; got != "make run" {
		t.Errorf("the first command is %q, want make run", got)
	}
}

func TestParseBlocks(t *testing.T) {
	t.Parallel()
	const text = `Words.
<!-- newcomer: one -->
~sh
echo 1
echo 2
~
It answers
~json
{"a": [1]}
~
~sh
unmarked
~
<!-- newcomer: two -->

~sh
echo 3
~`
	got, err := parseBlocks(strings.ReplaceAll(text, "~", "```"))
	if err != nil {
		t.Fatal(err)
	}
	want := blocks{
		{name: "one", script: "echo 1\necho 2", answer: map[string]any{"a": []any{1.0}}},
		{name: "two", script: "echo 3"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(block{})); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	for name, bad := range map[string]string{
		"words after a mark": "<!-- newcomer: one -->\nwords\n~sh\n~",
		"no sh":              "<!-- newcomer: one -->\n~json\n{}\n~",
		"no end":             "<!-- newcomer: one -->\n~sh\necho",
		"no JSON":            "<!-- newcomer: one -->\n~sh\n~\n~json\nnot\n~",
	} {
		if _, err := parseBlocks(strings.ReplaceAll(bad, "~", "```")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestContains(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		got, shown string
		differs    bool
		at         string
	}{
		{`{"a":1,"b":{"c":"x"}}`, `{"b":{"c":"x"}}`, false, ""},
		{`{"a":1}`, `{"a":2}`, true, "a"},
		{`{"a":1}`, `{"b":null}`, true, "b"},
		{`{"a":null}`, `{"a":null}`, false, ""},
		{`{"a":1}`, `{"a":null}`, true, "a"},
		{`[{"a":1},{"a":2}]`, `[{"a":1},{"a":3}]`, true, "1.a"},
		{`[1,2]`, `[1]`, true, ""},
		{`"ends on Monday (UTC)."`, `"ends on … (UTC)."`, false, ""},
		{`"ends on Monday."`, `"ends on … (UTC)."`, true, ""},
		{`{"a":1}`, `null`, false, ""},
	} {
		var got, shown any
		if err := errors.Join(json.Unmarshal([]byte(tt.got), &got), json.Unmarshal([]byte(tt.shown), &shown)); err != nil {
			t.Fatal(err)
		}
		at, ok := contains(got, shown, "")
		if ok == tt.differs || !ok && at != tt.at {
			t.Errorf("%s shown as %s: differs %t, at %q; want %t, at %q", tt.got, tt.shown, !ok, at, tt.differs, tt.at)
		}
	}
}

func TestDig(t *testing.T) {
	t.Parallel()
	var v any
	if err := json.Unmarshal([]byte(`{"data":[{"a":"x"},{}]}`), &v); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"data.#": 2.0, "data.0.a": "x", "data.1.a": nil, "data.2": nil, "data.-1": nil, "data.a": nil, "data.0.a.b": nil, "x.y": nil,
	} {
		if got := dig(v, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

func TestPrinted(t *testing.T) {
	t.Parallel()
	d := demo{out: &transcript{}}
	_, _ = d.out.Write([]byte("go: building\nPurser answers at  http://127.0.0.1:8081\n"))
	if d.read() {
		t.Error("it is ready without keys")
	}
	server, client := "server-"+strings.Repeat("a_-9", 9), "client-"+strings.Repeat("b", 30)
	_, _ = d.out.Write([]byte("Key " + server + "\nKey " + client + "\n  curl -s http://127.0.0.1:8081/api/v1/customers \\\n    -d '{}'\n"))
	if !d.read() {
		t.Fatal("it is not ready")
	}
	if want := (printed{"http://127.0.0.1:8081", server, client}); d.printed != want {
		t.Errorf("printed %v, want %v", d.printed, want)
	}
	got, err := d.command(steps[0].path)
	if want := "curl -s http://127.0.0.1:8081/api/v1/customers      -d '{}'"; err != nil || got != want {
		t.Errorf("command %q, %v; want %q", got, err, want)
	}
	if _, err := d.command(steps[1].path); err == nil {
		t.Error("a check was found that was not printed")
	}
}

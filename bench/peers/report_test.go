package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	// The machine is slow in the second round, for both alike.
	rounds := [][]sample{
		{{Ops: 100, Seconds: 1}, {Ops: 50, Seconds: 1}},
		{{Ops: 20, Seconds: 1}, {Ops: 10, Seconds: 1}},
		{{Ops: 100, Seconds: 1}, {Ops: 25, Seconds: 1}},
	}
	if got := compare(rounds, 1, sample.ns); got != (measure{40e6, 2}) {
		t.Errorf("the second: %+v", got)
	}
	if got := compare(rounds, 0, sample.ns); got != (measure{10e6, 1}) {
		t.Errorf("the first: %+v", got)
	}
	l := load{seconds: 2}
	for i := range 200 {
		l.took = append(l.took, time.Duration(i+1)*time.Microsecond)
	}
	if l.rate() != 100 || l.p50() != 100 || l.p99() != 198 {
		t.Errorf("rate %v, p50 %v, p99 %v", l.rate(), l.p50(), l.p99())
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "performance.md")
	text := "# Performance\n\n" + regionBegin + "\nwhat was there\n" + regionEnd + "\n\nend\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &report{
		options: options{goroutines: []int{1, 2}},
		local: []localRow{
			{name: "Purser", customers: 1000, ns: []measure{{50.04, 1}, {25.2, 1}}, heap: 3 << 20},
			{name: "Peer", customers: 100000, ns: []measure{{12345, 246.7}, {6172, 12.34}}, allocs: 7.01, heap: 200 << 20},
		},
		served: []servedRow{{
			name: "Peer", customers: 1000, connections: 2,
			rate: measure{999.6, 0.0456}, p50: measure{2100, 20.5}, p99: measure{99.9, 3},
		}},
		notes: []string{"something was not measured"},
	}
	if err := r.rewrite(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Performance\n\n" + regionBegin + "\n",
		"| in process | customers | 1 goroutine, ns/op | Purser = 1 | 2 goroutines, ns/op | Purser = 1 | allocs/op | heap, MiB |\n" +
			"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n" +
			"| Purser | 1,000 | 50 | 1.00 | 25.2 | 1.00 | 0 | 3 |\n" +
			"| Peer | 100,000 | 12,345 | 247 | 6,172 | 12.3 | 7 | 200 |\n",
		"| Peer | 1,000 | 2 | 1,000 | 0.05 | 2,100 | 20.5 | 99.9 | 3.00 |\n",
		"- something was not measured\n",
		regionEnd + "\n\nend\n",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%q is missing in\n%s", want, b)
		}
	}
	if strings.Contains(string(b), "what was there") {
		t.Error("the old tables are still there")
	}
}

func TestDiceAskEverything(t *testing.T) {
	t.Parallel()
	seen := map[[2]int]bool{}
	d := newDice(1)
	for range 20_000 {
		customer, feature := d.roll(100)
		seen[[2]int{customer, feature}] = true
	}
	if len(seen) != 100*len(features) {
		t.Errorf("%d questions of %d", len(seen), 100*len(features))
	}
}

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// localRow is a contestant that answers in process.
type localRow struct {
	name      string
	customers int
	ns        []measure // by the number of goroutines
	allocs    float64
	heap      float64 // bytes
}

// servedRow is a server with so many connections.
type servedRow struct {
	name        string
	customers   int
	connections int
	rate        measure // per second
	p50, p99    measure // µs
}

// report is the outcome of a run.
type report struct {
	options
	local  []localRow
	served []servedRow
	notes  []string
	begun  time.Time
}

func newReport(opt options) *report { return &report{options: opt, begun: time.Now()} }

func (r *report) addLocal(row localRow) {
	r.local = append(r.local, row)
	fmt.Fprintln(os.Stderr, strings.Join(row.cells(), "  "))
}

func (r *report) addServed(row servedRow) {
	r.served = append(r.served, row)
	fmt.Fprintln(os.Stderr, strings.Join(row.cells(), "  "))
}

func (r *report) note(text string) {
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
		fmt.Fprintln(os.Stderr, text)
	}
}

func (r localRow) cells() []string {
	list := []string{r.name, thousands(r.customers)}
	for _, m := range r.ns {
		list = append(list, number(m.value), ratio(m.ratio))
	}
	return append(list, allocations(r.allocs), fmt.Sprintf("%.0f", r.heap/(1<<20)))
}

func (r servedRow) cells() []string {
	return []string{
		r.name, thousands(r.customers), fmt.Sprint(r.connections), number(r.rate.value), ratio(r.rate.ratio),
		number(r.p50.value), ratio(r.p50.ratio), number(r.p99.value), ratio(r.p99.ratio),
	}
}

func (r *report) localHeader() []string {
	list := []string{"in process", "customers"}
	for _, n := range r.goroutines {
		s := "s"
		if n == 1 {
			s = ""
		}
		list = append(list, fmt.Sprintf("%d goroutine%s, ns/op", n, s), "Purser = 1")
	}
	return append(list, "allocs/op", "heap, MiB")
}

var servedHeader = []string{
	"over HTTP", "customers", "connections", "requests/s", "Purser = 1", "p50, µs", "Purser = 1", "p99, µs", "Purser = 1",
}

// number has three digits that count.
func number(v float64) string {
	if v >= 100 {
		return thousands(int(v + 0.5))
	}
	return fmt.Sprintf("%.3g", v)
}

// ratio has two digits after the point, or three that count.
func ratio(v float64) string {
	switch {
	case v >= 100:
		return thousands(int(v + 0.5))
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.01:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1g", v)
}

// allocations are whole but for what the runtime does beside.
func allocations(v float64) string { return fmt.Sprintf("%.0f", v) }

// thousands writes 100000 as 100,000.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// machine says where and when, and with which versions.
func (r *report) machine() string {
	text := fmt.Sprintf("%s · %s, %d cores, %s/%s · %s", r.begun.UTC().Format(time.DateOnly), cpuModel(), runtime.NumCPU(),
		runtime.GOOS, runtime.GOARCH, runtime.Version())
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			for _, peer := range []string{"casbin/casbin", "launchdarkly/go-server-sdk/", "open-feature/go-sdk"} {
				if strings.Contains(d.Path, peer) {
					text += fmt.Sprintf(" · %s %s", strings.TrimPrefix(d.Path, "github.com/"), d.Version)
				}
			}
		}
	}
	if r.openfga != "" {
		text += " · openfga " + openFGAVersion(r.openfga)
	}
	return fmt.Sprintf("%s · %d features, %d rounds of %s", text, len(features), r.rounds, r.round)
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return "unknown CPU"
}

// about says what each does and does not do.
var about = []string{
	"Purser knows plans, trials that end, limits, usage, and the reason of a denial. It answers from a cache that " +
		"hears of a change before whoever made it is answered. `rules.Decide` alone is the decision for somebody who has looked up the " +
		"customer's plan and row already: nobody gets that answer from an id.",
	"Casbin decides by roles and policies: a plan is a role. It has no trials, limits, usage or reasons. *Cached* remembers every " +
		"question that was asked before, here all there are; a customer who changes roles gets the old answers until somebody clears them.",
	"LaunchDarkly evaluates flags locally, from data that its service streams to it; here they come from the SDK's test source, " +
		"and events are off. *Targets* list in every flag all customers who have the feature; with *rules* whoever asks has to know " +
		"the customer's plan and say it with each question. It has no subscriptions, trials, limits or usage.",
	"OpenFeature is an interface to such services. Its provider in memory has no rules of its own: the flag calls a function of this " +
		"bench, which looks the plan up in a map. What is measured is what the interface costs.",
	"OpenFGA looks for a path of relations from the customer to the feature, and reads its store for each check. It answers far more general " +
		"questions, but knows no trials, limits, usage or reasons. *Cached* may answer what was true an hour ago. Its HTTP " +
		"server passes each request on to its gRPC server in the same process. Metrics are off and it asks for no key; else it is as it comes, with a " +
		"log line for each request, as Purser.",
}

func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, table := range r.tables() {
		for _, cells := range table {
			fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush()
	for _, line := range slices.Concat(r.notes, about) {
		fmt.Fprintln(w, "- "+line)
	}
	fmt.Fprintf(w, "\n%s · took %s\n", r.machine(), time.Since(r.begun).Round(time.Second))
}

// tables are those with rows, each after its header.
func (r *report) tables() (out [][][]string) {
	if len(r.local) > 0 {
		table := [][]string{r.localHeader()}
		for _, row := range r.local {
			table = append(table, row.cells())
		}
		out = append(out, table)
	}
	if len(r.served) > 0 {
		table := [][]string{servedHeader}
		for _, row := range r.served {
			table = append(table, row.cells())
		}
		out = append(out, table)
	}
	return out
}

// The region of a file that rewrite owns.
const (
	regionBegin = "<!-- peers -->"
	regionEnd   = "<!-- /peers -->"
)

// rewrite puts the tables into the marked region of a Markdown file.
func (r *report) rewrite(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), regionBegin)
	_, after, closed := strings.Cut(rest, regionEnd)
	if !ok || !closed {
		return fmt.Errorf("%s has no region from %q to %q", path, regionBegin, regionEnd)
	}
	return os.WriteFile(path, []byte(before+regionBegin+"\n"+r.markdown()+regionEnd+after), 0o644)
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.machine())
	for _, table := range r.tables() {
		b.WriteString("\n")
		for i, cells := range table {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
			if i == 0 {
				fmt.Fprintf(&b, "| --- |%s\n", strings.Repeat(" ---: |", len(cells)-1))
			}
		}
	}
	b.WriteString("\n")
	for _, line := range slices.Concat(r.notes, about) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	return b.String()
}

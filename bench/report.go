package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	what, plan, engine, unit string
	clients                  int
	ours, raw, ratio         float64
	oursCPU, rawCPU          float64 // microseconds of the process under test
	least, most              float64 // what the ratio must be; 0 for no target
	absolute                 bool    // the target is most, and about Purser's own value
	skipped                  string  // why it was not measured
}

func (r row) name() string { return fmt.Sprintf("%s %s %d", r.what, r.engine, r.clients) }

func (r row) target() string {
	switch {
	case r.absolute:
		return "≤ " + number(r.most) + r.unit
	case r.least > 0:
		return fmt.Sprintf("≥ %.2f", r.least)
	case r.most > 0:
		return fmt.Sprintf("≤ %.2f", r.most)
	}
	return ""
}

func (r row) verdict() string {
	switch {
	case r.skipped != "":
		return "not measured: " + r.skipped
	case r.target() == "":
		return ""
	case r.absolute && r.ours <= r.most:
		return "ok"
	case !r.absolute && r.ratio >= r.least && (r.most == 0 || r.ratio <= r.most):
		return "ok"
	}
	return "miss"
}

// cells are the columns of the table.
func (r row) cells() []string {
	ours, raw, ratio, cpu, clients := "", "", "", "", fmt.Sprint(r.clients)
	if r.clients == 0 {
		clients = ""
	}
	if r.skipped == "" {
		ours = number(r.ours) + r.unit
		if !r.absolute {
			cpu = number(r.oursCPU) + " / " + number(r.rawCPU)
		}
		if !r.absolute || r.raw > 0 {
			raw, ratio = number(r.raw)+r.unit, fmt.Sprintf("%.2f", r.ratio)
		}
	}
	return []string{r.what, r.engine, clients, ours, raw, ratio, r.target(), r.verdict(), cpu}
}

var header = []string{"what", "engine", "clients", "Purser", "raw", "ratio", "target", "", "CPU µs, both"}

// number has three digits that count.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// report is the outcome of a run.
type report struct {
	options
	rows     []row
	postgres string
	begun    time.Time
}

func newReport(opt options) *report { return &report{options: opt, begun: time.Now()} }

func (r *report) add(line row) {
	r.rows = append(r.rows, line)
	fmt.Fprintln(os.Stderr, strings.Join(line.cells(), "  "))
}

// machine says where and when.
func (r *report) machine() string {
	engines := "SQLite " + sqliteVersion()
	if r.postgres != "" {
		engines += ", PostgreSQL " + r.postgres
	}
	return fmt.Sprintf("%s · %s, %d cores, %s/%s · %s · %s · %d rounds of %s",
		r.begun.UTC().Format(time.DateOnly), cpuModel(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), engines, r.rounds, r.round)
}

func (r *report) print(w io.Writer) {
	if len(r.rows) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(header, "\t"))
	for _, line := range r.rows {
		fmt.Fprintln(t, strings.Join(line.cells(), "\t"))
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\n%s · took %s\n", r.machine(), time.Since(r.begun).Round(time.Second))
}

// The region of a file that rewrite owns.
const (
	regionBegin = "<!-- bench: begin -->"
	regionEnd   = "<!-- bench: end -->"
)

// rewrite puts the table into the marked region of a Markdown file.
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
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n%s\n\n", before, regionBegin, r.machine())
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(header)
	line([]string{"---", "---", "---:", "---:", "---:", "---:", "---", "---", "---:"})
	for _, l := range r.rows {
		line(l.cells())
	}
	fmt.Fprintf(&b, "%s%s", regionEnd, after)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func sqliteVersion() (version string) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return ""
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRow(`select sqlite_version()`).Scan(&version); err != nil { //nolint:noctx // in memory
		return ""
	}
	return version
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

// joined calls close functions and joins their errors to err.
func joined(err error, closers ...func() error) error {
	for _, c := range closers {
		err = errors.Join(err, c())
	}
	return err
}

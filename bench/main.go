// Command bench measures what Purser costs beside the least that the same work can
// cost: a raw transaction written by hand, or net/http alone (`make bench`).
//
// Server and baseline are processes of their own, this one makes the load; rounds of
// both alternate, and what counts is the median of their ratios. Targets are those of
// the design's budgets. docs/performance.md explains how to read the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// options say how long and what to measure.
type options struct {
	rounds   int
	round    time.Duration
	clients  []int
	many     int // customers in a large cache
	told     int // changes that the stream tells of
	only     *regexp.Regexp
	markdown string
	profiles string
	dir      string
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == roleArg {
		os.Exit(play(os.Args[2], os.Args[3]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	opt, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, opt)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (opt options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := f.Bool("quick", false, "a short run: does it work, and roughly how fast")
	only := f.String("run", "", "measure only what matches this expression, such as 'provision.*sqlite'")
	f.IntVar(&opt.rounds, "rounds", 5, "rounds of each side")
	f.DurationVar(&opt.round, "round", 600*time.Millisecond, "length of one round")
	f.StringVar(&opt.markdown, "markdown", "", "rewrite the table in this file, such as docs/performance.md")
	f.StringVar(&opt.profiles, "profiles", "", "write CPU profiles of our side into this folder")
	f.StringVar(&opt.dir, "dir", "", "folder for databases; a temporary one on the disk to be measured when empty")
	if err := f.Parse(args); err != nil {
		return opt, err
	}
	opt.clients, opt.many, opt.told = []int{1, 16, 64}, 300_000, 240
	if *quick {
		opt.rounds, opt.round, opt.clients, opt.many, opt.told = 2, 250*time.Millisecond, []int{16}, 10_000, 60
	}
	opt.only, err = regexp.Compile(*only)
	return opt, err
}

// run measures everything and prints it, also what was measured before a failure.
func run(ctx context.Context, opt options) error {
	dir, err := os.MkdirTemp(opt.dir, "purser-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if opt.profiles != "" {
		if err := os.MkdirAll(opt.profiles, 0o755); err != nil {
			return err
		}
	}
	b := &bench{options: opt, dir: dir, report: newReport(opt)}
	err = errors.Join(b.all(ctx), b.close())
	b.report.print(os.Stdout)
	if err == nil && opt.markdown != "" {
		err = b.report.rewrite(opt.markdown)
	}
	return err
}

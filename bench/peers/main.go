// Command peers asks Purser and others the same question, "may this customer use this feature?", and compares what the
// answer costs (`make bench-peers`). It is a module of its own, so that the server depends on none of them.
//
// Those that answer in process are processes of their own, with the customers in memory, which this one asks to do
// rounds; those that answer over HTTP are servers, and this process makes the load. Rounds take turns, and what counts is
// the median of the ratios to Purser in the same round. docs/performance.md explains how to read the tables.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options say how long and what to measure.
type options struct {
	customers   []int
	goroutines  []int
	connections []int
	rounds      int
	round       time.Duration
	only        *regexp.Regexp
	purser      string
	openfga     string
	markdown    string
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
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func parse(args []string) (opt options, err error) {
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	quick := f.Bool("quick", false, "a short run with 1,000 customers: does it work, and roughly how fast")
	customers := f.String("customers", "1000,100000", "how many customers there are, for each run of all")
	connections := f.String("connections", "1,2,16", "connections over HTTP")
	only := f.String("run", "", "measure only those whose name matches this expression, and Purser")
	f.IntVar(&opt.rounds, "rounds", 5, "rounds of each")
	f.DurationVar(&opt.round, "round", 600*time.Millisecond, "length of one round")
	f.StringVar(&opt.purser, "purser", "", "the built server; nothing is measured over HTTP without it")
	f.StringVar(&opt.openfga, "openfga", "", "the built OpenFGA server; it is left out without it")
	f.StringVar(&opt.markdown, "markdown", "", "rewrite the tables in this file, such as ../../docs/performance.md")
	if err := f.Parse(args); err != nil {
		return opt, err
	}
	opt.goroutines = []int{1, 2}
	if opt.customers, err = numbers(*customers); err != nil {
		return opt, err
	}
	if opt.connections, err = numbers(*connections); err != nil {
		return opt, err
	}
	if *quick {
		opt.customers, opt.rounds, opt.round = []int{1000}, 3, 200*time.Millisecond
	}
	opt.only, err = regexp.Compile(*only)
	return opt, err
}

func numbers(list string) (out []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no list of numbers such as 1,2", list)
		}
		out = append(out, n)
	}
	return out, nil
}

// run measures everything and prints it, also what was measured before a failure.
func run(ctx context.Context, opt options) error {
	dir, err := os.MkdirTemp("", "purser-peers-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r := newReport(opt)
	for _, n := range opt.customers {
		p := place{Customers: n, Data: filepath.Join(dir, fmt.Sprintf("purser-%d", n))}
		b := &bench{options: opt, place: p, dir: dir, report: r}
		if err = b.all(ctx); err != nil {
			err = fmt.Errorf("with %d customers: %w", n, err)
			break
		}
	}
	r.print(os.Stdout)
	if err == nil && opt.markdown != "" {
		err = r.rewrite(opt.markdown)
	}
	return err
}

// bench is everything for one number of customers.
type bench struct {
	options
	place
	dir    string
	report *report
}

func (b *bench) all(ctx context.Context) error {
	b.say("providing for %d customers in Purser", b.Customers)
	if err := seed(ctx, b.place); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	if err := b.inProcess(ctx); err != nil {
		return err
	}
	return b.overHTTP(ctx)
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

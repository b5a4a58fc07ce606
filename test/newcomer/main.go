// Command newcomer does what the README tells somebody who has just arrived: in a
// fresh clone, with an empty HOME and empty caches, it runs the marked code blocks one
// after the other, checks the answers, and prints how long it took.
//
//	go run ./test/newcomer [--tree] [--warm]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// How long a newcomer waits for `make run`.
const (
	coldLimit = 15 * time.Minute
	warmLimit = 2 * time.Minute
)

type options struct {
	tree bool
	warm bool
}

func main() {
	var o options
	flag.BoolVar(&o.tree, "tree", false, "take the files of the working tree instead of HEAD")
	flag.BoolVar(&o.warm, "warm", false, "use the real HOME and its caches: quicker, but shows less")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "newcomer: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	began := time.Now()
	v, err := arrive(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(v.hide(err), v.leave()) }()
	blocks, err := readBlocks(v.file("README.md"))
	if err != nil {
		return err
	}
	fmt.Printf("make run, in a fresh copy of %s\n", v.source)
	cold, err := v.tour(ctx, blocks)
	if err != nil {
		return err
	}
	whole := time.Since(began)
	fmt.Println("make run again")
	warm, err := v.tourAgain(ctx, blocks)
	if err != nil {
		return err
	}
	caches := "empty caches"
	if o.warm {
		caches = "the caches of this machine, so no measure of a first start"
	}
	fmt.Printf("\nWhat the README says is true (%s, %s/%s, %d cores, %s).\n",
		caches, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), toolchain(ctx))
	fmt.Printf("  cold  %6.1f s  from `make run` to its keys: download, build, start\n", cold.Seconds())
	fmt.Printf("  warm  %6.1f s  the same again\n", warm.Seconds())
	fmt.Printf("  whole %6.1f s  from `git clone` to the end of the walk\n", whole.Seconds())
	return nil
}

func toolchain(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return "unknown Go"
	}
	return strings.TrimSpace(string(out))
}

// tour starts the demo and does what the README says.
func (v *visit) tour(ctx context.Context, blocks blocks) (took time.Duration, err error) {
	d, took, err := v.start(ctx, blocks.get("run").script, coldLimit)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	v.first = d.printed
	if err := v.sameKeys(ctx, blocks.get("keys").script, d.printed); err != nil {
		return 0, err
	}
	for _, s := range steps {
		fmt.Println("  " + s.name)
		a, err := v.do(ctx, d.printed, blocks.get(s.name).script)
		if err != nil {
			return 0, fmt.Errorf("block %q: %w", s.name, err)
		}
		if err := s.check(a, blocks.get(s.name).answer); err != nil {
			return 0, fmt.Errorf("block %q: %w", s.name, err)
		}
	}
	return took, nil
}

// tourAgain starts the demo a second time: same keys, same data, and the commands that it prints itself work.
func (v *visit) tourAgain(ctx context.Context, blocks blocks) (took time.Duration, err error) {
	d, took, err := v.start(ctx, blocks.get("run").script, warmLimit)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if d.printed.server != v.first.server || d.printed.client != v.first.client {
		return 0, errors.New("a second `make run` printed other keys")
	}
	for _, s := range steps[:2] {
		fmt.Println("  " + s.name + ", as printed")
		command, err := d.command(s.path)
		if err != nil {
			return 0, err
		}
		a, err := v.do(ctx, printed{}, command)
		if err != nil {
			return 0, fmt.Errorf("the printed %q: %w", s.name, err)
		}
		if err := s.again(a, blocks.get(s.name).answer); err != nil {
			return 0, fmt.Errorf("the printed %q: %w", s.name, err)
		}
	}
	return took, nil
}

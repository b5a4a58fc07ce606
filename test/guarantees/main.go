// Command guarantees runs the tests that keep Purser's promises and writes
// docs/guarantees.md: the promises, the tests, and what they measured.
//
// Run it from the root of the repository: `make guarantees`.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/guarantee"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "guarantees:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "purser-guarantees-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cases, err := runTests(ctx, dir)
	if err != nil {
		return err
	}
	n := guarantee.Numbers{Where: where(), Of: map[string]string{}}
	for _, p := range guarantee.Promises {
		measured, err := guarantee.Read(dir, p.ID)
		if err != nil {
			return err
		}
		if measured == "" {
			measured = fmt.Sprintf("%d cases", cases.of(p))
		}
		n.Of[p.ID] = measured
	}
	return os.WriteFile(guarantee.File, []byte(guarantee.Render(n)), 0o644)
}

func where() string {
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", clock.System{}.Now().Format("2006-01-02"), runtime.NumCPU(),
		runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// passed are the tests that passed, by package; subtests have a slash in their names.
type passed map[string][]string

// of counts the cases of a promise: subtests without subtests of their own.
func (c passed) of(p guarantee.Promise) (n int) {
	for _, name := range p.Tests {
		pkg, test, _ := strings.Cut(name, ".")
		for _, t := range c[pkg] {
			leaf := !slices.ContainsFunc(c[pkg], func(o string) bool { return strings.HasPrefix(o, t+"/") })
			if leaf && (t == test || strings.HasPrefix(t, test+"/")) {
				n++
			}
		}
	}
	return n
}

// runTests runs every test of the list, one package after the other: what is measured is not disturbed.
func runTests(ctx context.Context, dir string) (passed, error) {
	wanted := map[string][]string{}
	var packages []string
	for _, p := range guarantee.Promises {
		for _, name := range p.Tests {
			pkg, test, _ := strings.Cut(name, ".")
			if wanted[pkg] == nil {
				packages = append(packages, pkg)
			}
			if !slices.Contains(wanted[pkg], test) {
				wanted[pkg] = append(wanted[pkg], test)
			}
		}
	}
	all := passed{}
	for _, pkg := range packages {
		fmt.Println(pkg)
		list, err := runPackage(ctx, dir, pkg, wanted[pkg])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pkg, err)
		}
		for _, test := range wanted[pkg] {
			if !slices.Contains(list, test) {
				return nil, fmt.Errorf("%s.%s did not pass", pkg, test)
			}
		}
		all[pkg] = list
	}
	return all, nil
}

func runPackage(ctx context.Context, dir, pkg string, tests []string) (list []string, err error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-tags", "slow", "-timeout", "30m",
		"-run", "^("+strings.Join(tests, "|")+")$", "./"+pkg)
	cmd.Env = append(os.Environ(), guarantee.DirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	list, err = readResults(out, os.Stderr)
	return list, errors.Join(err, cmd.Wait())
}

// readResults collects the names of tests that passed and shows what the others printed.
func readResults(in io.Reader, show io.Writer) (list []string, err error) {
	said := map[string]*strings.Builder{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, err
		}
		if said[e.Test] == nil {
			said[e.Test] = &strings.Builder{}
		}
		switch e.Action {
		case "output":
			said[e.Test].WriteString(e.Output)
		case "pass":
			if e.Test != "" {
				list = append(list, e.Test)
			}
		case "build-output":
			fmt.Fprint(show, e.Output)
		case "fail":
			fmt.Fprint(show, said[e.Test])
		}
	}
	return list, lines.Err()
}

package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/app"
)

type clockCmd struct {
	remote
	To string `arg:"" optional:"" help:"Where to move: +14d, +2h30m, a time in RFC 3339, or real for real time. Shows the clock unless given."`
}

// Run shows or moves the clock.
func (c clockCmd) Run(ctx context.Context, out io.Writer) error {
	target, err := parseMove(c.To)
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	now, err := move(ctx, client, c.To, target)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s (%s time)\n", now.Now.UTC().Format(time.RFC3339Nano), now.Mode)
	return err
}

func move(ctx context.Context, c app.Client, to string, target func(time.Time) time.Time) (app.TestClock, error) {
	switch to {
	case "":
		return c.Clock(ctx)
	case "real":
		return c.RealClock(ctx)
	}
	now, err := c.Clock(ctx)
	if err != nil {
		return now, err
	}
	return c.SetClock(ctx, target(now.Now))
}

var step = regexp.MustCompile(`^([0-9]+)(w|d|h|m|s)`)

var units = map[string]time.Duration{
	"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second,
}

// maxMove is how far one move goes, well below where durations overflow.
const maxMove = 100 * 365 * 24 * time.Hour

// parseMove reads where to move and returns the target as seen from now.
func parseMove(s string) (func(now time.Time) time.Time, error) {
	if s == "" || s == "real" {
		return nil, nil
	}
	rest, relative := strings.CutPrefix(s, "+")
	if !relative {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return nil, badMove(s)
		}
		return func(time.Time) time.Time { return t }, nil
	}
	var d time.Duration
	for first := true; rest != "" || first; first = false {
		m := step.FindStringSubmatch(rest)
		if m == nil {
			return nil, badMove(s)
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n > int((maxMove-d)/units[m[2]]) {
			return nil, badMove(s)
		}
		d += time.Duration(n) * units[m[2]]
		rest = rest[len(m[0]):]
	}
	return func(now time.Time) time.Time { return now.Add(d) }, nil
}

func badMove(s string) error {
	return usage("%q is no move of a clock: say +14d, +2h30m, a time such as 2026-01-31T12:00:00Z, or real", s)
}

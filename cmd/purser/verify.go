package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/purserhq/purser/internal/app"
)

type verifyCmd struct {
	app.Place
	app.Client
}

var errDifferences = errors.New("the data is not what it should be; see the list above")

// Run verifies all environments of a place, or that of a key. A place on the command line wins over a server in the
// environment.
func (c verifyCmd) Run(ctx context.Context, line *kong.Context, out io.Writer) error {
	if typed(line, "data", "database") {
		if typed(line, "url", "key") {
			return usage("say where the data is, or give --url and --key, not both")
		}
		c.Client = app.Client{}
	}
	if (c.URL == "") != (c.Key == "") {
		return usage("give both --url and --key, or neither")
	}
	list, err := c.verify(ctx)
	if err != nil {
		return err
	}
	bad := false
	for _, v := range list {
		n := v.Report.Checked
		fmt.Fprintf(out, "%s: %d customers, %d subscriptions, %d timers, %d plans, %d events, %d usage counters, %d measurements and %d raw events checked, %s\n",
			v.Environment, n.Customers, n.Subscriptions, n.Timers, n.Plans, n.Events, n.Counters, n.Measurements, n.UsageEvents, outcome(v))
		for _, f := range v.Report.Findings {
			fmt.Fprintf(out, "  %s: %s %s: %s\n", f.Kind, f.Entity.Type, f.Entity.ID, f.Message)
		}
		bad = bad || !v.Report.OK
	}
	if bad {
		return errDifferences
	}
	return nil
}

// typed reports whether one of the flags is on the command line itself.
func typed(line *kong.Context, flags ...string) bool {
	return slices.ContainsFunc(line.Path, func(p *kong.Path) bool {
		return p.Flag != nil && !p.Resolved && slices.Contains(flags, p.Flag.Name)
	})
}

func (c verifyCmd) verify(ctx context.Context) (list []app.Verified, err error) {
	if c.URL != "" {
		return c.Client.Verify(ctx)
	}
	err = control(ctx, c.Place, func(ctl *app.Control) error {
		list, err = ctl.Verify(ctx)
		return err
	})
	return list, err
}

func outcome(v app.Verified) string {
	switch {
	case v.Report.OK:
		return "no differences"
	case v.Report.More:
		return "many differences:"
	}
	return "differences:"
}

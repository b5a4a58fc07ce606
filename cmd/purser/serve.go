package main

import (
	"context"
	"fmt"
	"io"

	"github.com/purserhq/purser/internal/app"
)

type serveCmd struct{ app.Config }

// Run serves until the process is told to stop.
func (c serveCmd) Run(ctx context.Context, out io.Writer) error {
	if c.Listen == "" {
		return usage("say where to listen: `purser serve --listen 127.0.0.1:8080`, or set PURSER_LISTEN")
	}
	c.Version = versionText()
	a, err := app.New(ctx, c.Config)
	if err != nil {
		return err
	}
	printMade(out, a.MadeKeys())
	url, admin, err := a.Listen()
	if err == nil {
		fmt.Fprintf(out, "Purser %s answers at %s\n", c.Version, url)
		if admin != "" {
			fmt.Fprintf(out, "Metrics and profiles: %s/metrics, %s/debug/pprof/\n", admin, admin)
		}
	}
	return a.Run(ctx)
}

// printMade shows the keys of a first start, which can be seen nowhere else.
func printMade(out io.Writer, keys []app.KeyInfo) {
	if len(keys) == 0 {
		return
	}
	fmt.Fprintln(out, "First start. These keys are shown once; keep them now:")
	for _, k := range keys {
		fmt.Fprintf(out, "  %-11s %-6s %s\n", k.Environment, k.Kind, k.Secret)
	}
}

type migrateCmd struct{ app.Place }

// Run brings the tables up to date.
func (c migrateCmd) Run(ctx context.Context, out io.Writer) error {
	if err := app.Migrate(ctx, c.Place); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "The tables are up to date.")
	return err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/purserhq/purser/internal/app"
)

type catalogCmd struct {
	Export catalogExportCmd `cmd:"" help:"Write the catalog to standard output, as a file."`
	Plan   catalogPlanCmd   `cmd:"" help:"Say what applying a catalog file would do. Exit code 2 when it would do anything."`
	Apply  catalogApplyCmd  `cmd:"" help:"Make the catalog what a file says."`
}

type catalogExportCmd struct{ remote }

// Run prints the catalog.
func (c catalogExportCmd) Run(ctx context.Context, out io.Writer) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	file, err := client.ExportCatalog(ctx)
	if err != nil {
		return err
	}
	_, err = out.Write(file)
	return err
}

type catalogPlanCmd struct {
	remote
	File string `arg:"" help:"The catalog file; - for standard input."`
}

// errWouldChange is the exit code of a plan that would do something.
var errWouldChange = quietly{changes}

// Run prints what would be done.
func (c catalogPlanCmd) Run(ctx context.Context, out io.Writer) error {
	client, file, err := open(c.remote, c.File)
	if err != nil {
		return err
	}
	o, err := client.PlanCatalog(ctx, file)
	if err != nil {
		return refusedFile(err)
	}
	printOutcome(out, o, "would be made")
	if len(o.Changes) > 0 {
		return errWouldChange
	}
	return nil
}

type catalogApplyCmd struct {
	remote
	File      string `arg:"" help:"The catalog file; - for standard input."`
	Overwrite bool   `help:"Apply the file though others changed the catalog since it was exported or last applied."`
}

// Run applies the file and prints what was done.
func (c catalogApplyCmd) Run(ctx context.Context, out io.Writer) error {
	client, file, err := open(c.remote, c.File)
	if err != nil {
		return err
	}
	o, err := client.ApplyCatalog(ctx, file, c.Overwrite)
	if err != nil {
		return refusedFile(err)
	}
	o.Drift = nil // it is done
	printOutcome(out, o, "were made")
	return nil
}

func open(r remote, name string) (client app.Client, file []byte, err error) {
	if name == "-" {
		file, err = io.ReadAll(os.Stdin)
	} else {
		file, err = os.ReadFile(name)
	}
	if err != nil {
		return client, nil, err
	}
	if !json.Valid(file) {
		var v any
		return client, nil, fmt.Errorf("%s is not JSON: %w", name, json.Unmarshal(file, &v))
	}
	client, err = r.client()
	return client, file, err
}

// refusedFile puts every mistake of a file on a line of its own.
func refusedFile(err error) error {
	var r *app.Refused
	if !errors.As(err, &r) || len(r.Details) == 0 {
		return err
	}
	text := fmt.Sprintf("%d mistakes (%s)", len(r.Details), r.Code)
	if r.Code == app.CatalogDrift {
		text = r.Message
	}
	for _, f := range r.Details {
		text += fmt.Sprintf("\n  %s: %s", f.Path, f.Issue)
	}
	return listed{text}
}

var signs = map[string]string{"create": "+", "unarchive": "+", "archive": "-", "discard": "-"}

func printOutcome(out io.Writer, o app.CatalogOutcome, done string) {
	for _, step := range o.Changes {
		sign := signs[step.Action]
		if sign == "" {
			sign = "~"
		}
		fmt.Fprintf(out, "%s %s\n", sign, step.Text)
		if c := step.Changes; c != nil {
			for _, a := range c.Added {
				fmt.Fprintf(out, "    + %s\n", a.Text)
			}
			for _, ch := range c.Changed {
				fmt.Fprintf(out, "    ~ %s\n", ch.Text)
			}
			for _, r := range c.Removed {
				fmt.Fprintf(out, "    - %s\n", r.Text)
			}
		}
	}
	for _, w := range o.Warnings {
		fmt.Fprintf(out, "! %s (%s)\n", w.Message, w.Path)
	}
	for _, d := range o.Drift {
		fmt.Fprintf(out, "! The %s was changed by others; applying this file needs --overwrite.\n", d)
	}
	switch n := len(o.Changes); n {
	case 0:
		fmt.Fprintln(out, "No changes: the catalog is what the file says.")
	case 1:
		fmt.Fprintf(out, "1 change %s.\n", strings.Replace(done, "were", "was", 1))
	default:
		fmt.Fprintf(out, "%d changes %s.\n", n, done)
	}
}

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/purserhq/purser/internal/app"
)

type backupCmd struct {
	app.Place
	File string `arg:"" help:"File to make; one that exists is refused."`
}

// Run backs the database up, beside a running server too.
func (c backupCmd) Run(ctx context.Context, out io.Writer) error {
	err := control(ctx, c.Place, func(ctl *app.Control) error { return ctl.Backup(ctx, c.File) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "The backup is in %s.\n", c.File)
	return err
}

type restoreCmd struct {
	app.Place
	File           string `arg:"" optional:"" help:"File that purser backup made."`
	Force          bool   `help:"Put a database that is there aside, as purser.db.replaced."`
	AfterPgRestore bool   `help:"The PostgreSQL database was filled by pg_restore: begin a new generation of its feed."`
}

// Run restores a backup. No server may run on the data.
func (c restoreCmd) Run(ctx context.Context, out io.Writer) error {
	var generation string
	var err error
	switch {
	case c.AfterPgRestore && c.File == "":
		generation, err = app.NewGeneration(ctx, c.Place)
	case c.AfterPgRestore || c.File == "":
		return usage("say which file to restore, or --after-pg-restore")
	default:
		generation, err = app.Restore(ctx, c.Place, c.File, c.Force)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Restored. The change feed begins a new generation, %s: its readers start afresh.\n", generation)
	return err
}

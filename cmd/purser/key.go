package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/purserhq/purser/internal/app"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make another server key for an environment. It is shown once."`
	List   keyListCmd   `cmd:"" help:"List keys, without their secrets."`
	Rotate keyRotateCmd `cmd:"" help:"Replace a key by a new one of the same kind. It is shown once."`
	Revoke keyRevokeCmd `cmd:"" help:"End a key at once and for good."`
}

// control runs fn with the way to the data of a place.
func control(ctx context.Context, p app.Place, fn func(*app.Control) error) error {
	c, err := app.OpenControl(ctx, p)
	if err != nil {
		return err
	}
	return errors.Join(fn(c), c.Close())
}

type keyCreateCmd struct {
	app.Place
	Environment string `help:"Slug of the environment; ${default} unless given." default:"development" placeholder:"SLUG"`
	Name        string `help:"What the key is for." required:"" placeholder:"NAME"`
}

// Run makes a key.
func (c keyCreateCmd) Run(ctx context.Context, out io.Writer) error {
	return control(ctx, c.Place, func(ctl *app.Control) error {
		k, err := ctl.CreateKey(ctx, c.Environment, c.Name)
		return printSecret(out, k, err)
	})
}

// printSecret shows a new key: the secret alone on the first line, for scripts.
func printSecret(out io.Writer, k app.KeyInfo, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\nKey %s of %s. The secret is not shown again.\n", k.Secret, k.ID, k.Environment)
	return err
}

type keyListCmd struct {
	app.Place
	Environment string `help:"Slug of the environment; all of them unless given." placeholder:"SLUG"`
}

// Run lists keys.
func (c keyListCmd) Run(ctx context.Context, out io.Writer) error {
	return control(ctx, c.Place, func(ctl *app.Control) error {
		keys, err := ctl.ListKeys(ctx, c.Environment)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tENVIRONMENT\tKIND\tNAME\tKEY\tSTATUS\tCREATED\tEXPIRES")
		for _, k := range keys {
			expires := ""
			if k.ExpiresAt != nil {
				expires = k.ExpiresAt.Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
				k.ID, k.Environment, k.Kind, k.Name, k.Shown, k.Status, k.CreatedAt.Format(time.RFC3339), expires)
		}
		return w.Flush()
	})
}

type keyRotateCmd struct {
	app.Place
	ID   string `arg:"" name:"id" help:"Id of the key, from purser key list."`
	Keep string `help:"How long the old secret works on: now, 1h, 24h, 3d or 7d; ${default} unless given." enum:"now,1h,24h,3d,7d" default:"24h" placeholder:"TIME"`
}

// Run replaces a key.
func (c keyRotateCmd) Run(ctx context.Context, out io.Writer) error {
	return control(ctx, c.Place, func(ctl *app.Control) error {
		k, err := ctl.RotateKey(ctx, c.ID, c.Keep)
		return printSecret(out, k, err)
	})
}

type keyRevokeCmd struct {
	app.Place
	ID string `arg:"" name:"id" help:"Id of the key, from purser key list."`
}

// Run ends a key.
func (c keyRevokeCmd) Run(ctx context.Context, out io.Writer) error {
	return control(ctx, c.Place, func(ctl *app.Control) error {
		k, err := ctl.RevokeKey(ctx, c.ID)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "Key %s is %s.\n", k.ID, k.Status)
		return err
	})
}

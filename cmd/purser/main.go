// Command purser is the server and everything around it: one file per verb. Verbs
// have flags and exit codes; the work is done in internal/app.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/purserhq/purser/internal/app"
)

// version is set by the linker.
var version = "dev"

// Exit codes.
const (
	ok      = 0
	failure = 1
	misuse  = 2
	changes = 2 // of a plan that would do something
)

// commands are the verbs. Every flag has an environment variable, PURSER_ and its name.
type commands struct {
	Serve     serveCmd     `cmd:"" help:"Run the server."`
	Demo      demoCmd      `cmd:"" help:"Run the server with a filled catalog and the same keys at every start."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the tables of the database up to date."`
	Key       keyCmd       `cmd:"" help:"Create, list, rotate and revoke API keys."`
	Clock     clockCmd     `cmd:"" help:"Show or move an environment's test clock."`
	Catalog   catalogCmd   `cmd:"" help:"Export, plan and apply the catalog as a file."`
	Provision provisionCmd `cmd:"" help:"Provision a customer."`
	Explain   explainCmd   `cmd:"" help:"Explain what a customer may use, and why."`
	Verify    verifyCmd    `cmd:"" help:"Recompute what follows from other data and print the differences."`
	Backup    backupCmd    `cmd:"" help:"Copy the database to a file."`
	Restore   restoreCmd   `cmd:"" help:"Make the database from a backup."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run does what the arguments say and returns the exit code.
func run(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	var c commands
	parser, err := kong.New(&c, kong.Name("purser"),
		kong.Description("Pricing, packaging and entitlements, self-hosted."),
		kong.Writers(out, errs), kong.DefaultEnvars("PURSER"), kong.Resolvers(secretFiles{}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(out, (*io.Writer)(nil)))
	if err != nil {
		panic(err) // the table above is wrong
	}
	verb, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errs, "purser: %s (see `purser %s`)\n", err, helpFor(err))
		return misuse
	}
	if err := verb.Run(); err != nil {
		var q quietly
		if errors.As(err, &q) {
			return q.code
		}
		fmt.Fprintf(errs, "purser: %s\n", sentence(err))
		var u usageError
		if errors.As(err, &u) {
			return misuse
		}
		return failure
	}
	return ok
}

// helpFor is the call that shows the help of the verb that was meant.
func helpFor(err error) string {
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context != nil && p.Context.Command() != "" {
		return p.Context.Command() + " --help"
	}
	return "--help"
}

// usageError is a wrong argument that only the verb can see.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// quietly is an exit code that says it all.
type quietly struct{ code int }

func (q quietly) Error() string { return fmt.Sprintf("exit code %d", q.code) }

// listed is an error of several lines.
type listed struct{ text string }

func (l listed) Error() string { return l.text }

// sentence puts an error on one line.
func sentence(err error) string {
	var l listed
	if errors.As(err, &l) {
		return l.text
	}
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}

// secretFiles reads flags tagged secret from the file that PURSER_…_FILE names.
type secretFiles struct{}

// Validate implements kong.Resolver.
func (secretFiles) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (secretFiles) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !flag.Tag.Has("secret") || len(flag.Envs) == 0 {
		return nil, nil
	}
	value, found, err := app.FileEnv(flag.Envs[0])
	if err != nil || !found {
		return nil, err
	}
	return value, nil
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(out io.Writer) error {
	_, err := fmt.Fprintf(out, "purser %s\n", versionText())
	return err
}

// versionText is the linker's version, else the commit that the toolchain noted.
func versionText() string {
	info, found := debug.ReadBuildInfo()
	if version != "dev" || !found {
		return version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return version
}

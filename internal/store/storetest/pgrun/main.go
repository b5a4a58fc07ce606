// Command pgrun runs a command beside a throw-away PostgreSQL:
//
//	pgrun -- go test ./...
//
// The command finds the server in PURSER_TEST_POSTGRES_DSN; a server that is
// already named there is used instead. Signals go to the command, whose exit
// code is pgrun's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/purserhq/purser/internal/store/storetest/pgserver"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: pgrun -- command [argument…]")
		return 2
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	server, err := pgserver.Shared()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgrun:", err)
		return 1
	}
	fmt.Fprintln(os.Stderr, "pgrun: PostgreSQL", server.Version)
	code, err := command(args, server.DSN("postgres"), signals)
	if err := errors.Join(err, pgserver.StopShared()); err != nil {
		fmt.Fprintln(os.Stderr, "pgrun:", err)
		return max(code, 1)
	}
	return code
}

// command runs args and returns the exit code, in the shell's way 128 + n for signal n.
func command(args []string, dsn string, signals <-chan os.Signal) (int, error) {
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), pgserver.DSNEnv+"="+dsn)
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may just have ended
		case err := <-done:
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				return 0, err
			}
			if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
				return 128 + int(ws.Signal()), nil
			}
			return exit.ExitCode(), nil
		}
	}
}

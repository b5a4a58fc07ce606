package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/purserhq/purser/internal/store/storetest/pgserver"
)

func TestRunPassesTheServerAndTheCode(t *testing.T) {
	t.Setenv(pgserver.DSNEnv, os.Getenv(pgserver.DSNEnv)) // so that the commands below start from ours
	out := filepath.Join(t.TempDir(), "dsn")
	if code := run([]string{"--", "sh", "-c", `printf %s "$PURSER_TEST_POSTGRES_DSN" >"$0"; exit 7`, out}); code != 7 {
		t.Errorf("code = %d, want 7", code)
	}
	dsn, err := os.ReadFile(out)
	if err != nil || !strings.HasPrefix(string(dsn), "postgres://") {
		t.Errorf("the command saw %q, %v; want a URL", dsn, err)
	}
}

func TestRunWithoutCommand(t *testing.T) {
	t.Parallel()
	if code := run(nil); code != 2 {
		t.Errorf("code = %d, want 2", code)
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, 1)
	tests := map[string]struct {
		args []string
		want int
	}{
		"success":   {[]string{"true"}, 0},
		"failure":   {[]string{"sh", "-c", "exit 3"}, 3},
		"signalled": {[]string{"sh", "-c", "kill -TERM $$"}, 128 + int(syscall.SIGTERM)},
		"no such":   {[]string{"purser-no-such-command"}, 127},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, _ := command(tt.args, "postgres://", signals); got != tt.want {
				t.Errorf("code = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestCommandForwardsSignals(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	got, err := command([]string{"sh", "-c", "while :; do sleep 0.1; done"}, "postgres://", signals)
	if err != nil || got != 128+int(syscall.SIGTERM) {
		t.Errorf("code = %d, %v; want that of SIGTERM", got, err)
	}
}

// Package e2e tests the built binary as its owner runs it: processes, signals,
// files, a database of each engine.
//
// TestMain builds the binary once. A test starts servers with serve, calls commands
// with command, and speaks HTTP. What needs minutes is behind the tag slow.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/store/storetest/pgserver"
)

const testVersion = "v0.0.1-e2e"

var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "purser-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	binary = filepath.Join(dir, "purser")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+testVersion, //nolint:noctx // ends by itself
		"-o", binary, "github.com/purserhq/purser/cmd/purser")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build purser: %v\n%s", err, out)
		return 1
	}
	defer func() {
		if err := pgserver.StopShared(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	return m.Run()
}

func TestVersion(t *testing.T) {
	t.Parallel()
	// go test answers from its cache unless a file changed that a test has read, and it does not see what go build reads.
	for _, pattern := range []string{"../../cmd/purser/*.go", "../../cmd/purser/*.txt", "../../go.mod"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			if _, err := os.ReadFile(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	code, out, errs := command(t, nil, "version")
	if code != 0 || strings.TrimSpace(out) != "purser "+testVersion || errs != "" {
		t.Errorf("code %d, %q, %q; want the version that was built in", code, out, errs)
	}
}

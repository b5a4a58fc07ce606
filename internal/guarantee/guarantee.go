// Package guarantee is the list of what Purser promises and of the tests that
// keep each promise (promises.go).
//
// docs/guarantees.md is that list with the numbers that tests have measured.
// `make guarantees` runs the tests and rewrites it. Only tests import this package.
package guarantee

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// DirEnv names the folder that takes what tests measure; unset, nothing is kept.
const DirEnv = "PURSER_GUARANTEES"

// Promise is one promise in plain words.
type Promise struct {
	ID    string
	Says  string
	Tests []string // package and name: "internal/store.TestFeedWhileSixteenWrite"
}

var unusual = regexp.MustCompile(`[^A-Za-z0-9]+`)

// Measured notes a number about a promise, such as "%d provisions, none lost". A test that runs on both engines calls
// it in each: the name of the subtest says which one it is.
func Measured(t testing.TB, id, format string, args ...any) {
	t.Helper()
	if !slices.ContainsFunc(Promises, func(p Promise) bool { return p.ID == id }) {
		t.Errorf("there is no promise %q", id)
	}
	text := fmt.Sprintf(format, args...)
	t.Logf("%s: %s", id, text)
	dir := os.Getenv(DirEnv)
	if dir == "" {
		return
	}
	dir = filepath.Join(dir, id)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		name := unusual.ReplaceAllString(t.Name(), "-")
		err = os.WriteFile(filepath.Join(dir, name+".txt"), []byte(engine(t.Name())+text), 0o600)
	}
	if err != nil {
		t.Errorf("keep what was measured: %v", err)
	}
}

// engine is the words that tell the engines' numbers apart.
func engine(test string) string {
	for _, part := range strings.Split(test, "/") {
		switch part {
		case "sqlite":
			return "SQLite: "
		case "postgres":
			return "PostgreSQL: "
		}
	}
	return ""
}

// Read collects what tests have measured about a promise; "" for nothing.
func Read(dir, id string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, id, "*.txt"))
	if err != nil {
		return "", err
	}
	var parts []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		parts = append(parts, string(b))
	}
	slices.SortFunc(parts, func(a, b string) int { return strings.Compare(b, a) }) // SQLite first
	return strings.Join(parts, "; "), nil
}

package pgserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// binEnv names the folder with initdb and postgres; "fetch" leaves out installed ones.
	binEnv = "PURSER_TEST_PG_BIN"
	// oldest is the first major version that an installed PostgreSQL must have to be used.
	oldest = 14
)

// program is where PostgreSQL's programs are.
type program struct{ dir, version string }

func (p program) path(name string) string { return filepath.Join(p.dir, name) }

// find looks where PURSER_TEST_PG_BIN says, on the PATH, where pg_config points, where packages install, and last in
// the cache, which it fills if need be.
func find(ctx context.Context) (program, error) {
	wish := os.Getenv(binEnv)
	if wish != "" && wish != "fetch" {
		p, err := inspect(ctx, wish)
		if err != nil {
			return program{}, fmt.Errorf("%s: %w", binEnv, err)
		}
		return p, nil
	}
	if wish == "" {
		for _, dir := range installed(ctx) {
			if p, err := inspect(ctx, dir); err == nil {
				return p, nil
			}
		}
	}
	dir, err := fetched(ctx)
	if err != nil {
		return program{}, fmt.Errorf("no PostgreSQL from %d on is installed (Debian: apt-get install postgresql; macOS: brew install postgresql; "+
			"or set %s to the folder with initdb and postgres), and it could not be fetched: %w", oldest, binEnv, err)
	}
	return inspect(ctx, dir)
}

// installed lists folders that may hold PostgreSQL, best first.
func installed(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, newestFirst(found)...)
	}
	return dirs
}

var firstNumber = regexp.MustCompile(`\d+`)

// newestFirst orders folders by the version in their names: 15 before 9.6.
func newestFirst(dirs []string) []string {
	major := func(dir string) int {
		n, _ := strconv.Atoi(firstNumber.FindString(dir))
		return n
	}
	return slices.SortedStableFunc(slices.Values(dirs), func(a, b string) int { return cmp.Compare(major(b), major(a)) })
}

// inspect says what is in dir, or why it is of no use.
func inspect(ctx context.Context, dir string) (program, error) {
	p := program{dir: dir}
	if _, err := os.Stat(p.path("initdb")); err != nil {
		return program{}, err
	}
	out, err := exec.CommandContext(ctx, p.path("postgres"), "--version").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return program{}, fmt.Errorf("run %s: %w", p.path("postgres"), err)
	}
	p.version = strings.TrimSpace(strings.TrimPrefix(string(out), "postgres (PostgreSQL) "))
	if major, _ := strconv.Atoi(firstNumber.FindString(p.version)); major < oldest {
		return program{}, fmt.Errorf("PostgreSQL %s in %s is older than %d", p.version, dir, oldest)
	}
	return p, nil
}

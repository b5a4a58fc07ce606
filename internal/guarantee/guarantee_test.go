package guarantee_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/guarantee"
)

var update = flag.Bool("update", false, "rewrite docs/guarantees.md, with the numbers that it has")

const root = "../.."

// The document is the list; the numbers in it are whatever was measured last.
func TestGeneratedGuarantees(t *testing.T) {
	t.Parallel()
	path := filepath.Join(root, guarantee.File)
	have, err := os.ReadFile(path)
	if err != nil && (!*update || !os.IsNotExist(err)) {
		t.Fatal(err)
	}
	want := guarantee.Render(guarantee.Parse(string(have)))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("run `make generate` (-want +got):\n%s", diff)
	}
}

func TestPromisesAreKeptByTests(t *testing.T) {
	t.Parallel()
	ids, known := map[string]bool{}, map[string]map[string]bool{}
	for _, p := range guarantee.Promises {
		if ids[p.ID] || p.ID == "" || p.Says == "" || len(p.Tests) == 0 || strings.Contains(p.Says, "|") {
			t.Errorf("%q: an id of its own, a sentence without a bar, and tests are needed", p.ID)
		}
		ids[p.ID] = true
		for _, name := range p.Tests {
			dir, test, ok := strings.Cut(name, ".")
			if known[dir] == nil {
				known[dir] = tests(t, dir)
			}
			if !ok || !known[dir][test] {
				t.Errorf("%s: there is no test %s", p.ID, name)
			}
		}
	}
}

// tests are the tests and fuzz targets of a package, whatever their build tags.
func tests(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				found[fn.Name.Name] = true
			}
		}
	}
	return found
}

func TestNumbersSurviveRendering(t *testing.T) {
	t.Parallel()
	want := guarantee.Numbers{Where: "2 cores, 2026-11-22", Of: map[string]string{}}
	for _, p := range guarantee.Promises {
		want.Of[p.ID] = "SQLite: 12 of " + p.ID + "; PostgreSQL: 14"
	}
	delete(want.Of, guarantee.Promises[0].ID)
	if diff := cmp.Diff(want, guarantee.Parse(guarantee.Render(want))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMeasured(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(guarantee.DirEnv, dir)
	id := guarantee.Promises[0].ID
	for _, engine := range []string{"postgres", "sqlite"} {
		t.Run(engine, func(t *testing.T) { guarantee.Measured(t, id, "%d rounds", 20) })
	}
	got, err := guarantee.Read(dir, id)
	if want := "SQLite: 20 rounds; PostgreSQL: 20 rounds"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

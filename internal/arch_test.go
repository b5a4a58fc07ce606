// Package internal_test keeps the import rules of docs/architecture.md: what each
// layer may know. A broken rule is told in a sentence that says what to do.
package internal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/purserhq/purser"

// nouns in the order of the tree: each may import those before it.
var nouns = []string{
	"rules", "event", "timer", "account", "journey", "catalog", "customer", "experiment", "subscription", "promotion", "meter",
	"entitlement", "usage", "credit", "provisioning", "stream",
}

// What lies outside the module, by the prefix of its import path.
var (
	sqlPackages  = []string{"database/sql", "modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3"}
	httpPackages = []string{"net/http", "github.com/danielgtaylor/huma/v2"}
	baseMay      = []string{"github.com/cockroachdb/apd/v3", "github.com/google/uuid"} // money, id
	coreMay      = []string{"golang.org/x/sync"}                                       // one compile for many misses
)

// pkg is what `go list -json` says about a package, as far as the rules need it. Tests may import what they like.
type pkg struct {
	ImportPath string
	Imports    []string
}

func TestImports(t *testing.T) {
	t.Parallel()
	readFolders(t, "..")
	pkgs := list(t, "..")
	if len(pkgs) < 5 {
		t.Fatalf("go list found %d packages, which cannot be all", len(pkgs))
	}
	if _, err := os.Stat("../sdk/go/go.mod"); err == nil {
		pkgs = append(pkgs, list(t, "../sdk/go")...)
	}
	for _, v := range violations(pkgs) {
		t.Error(v)
	}
}

// violations returns a sentence for every import that breaks a rule.
func violations(pkgs []pkg) []string {
	var all []string
	for _, p := range pkgs {
		from := short(p.ImportPath)
		if strings.HasPrefix(from, "core/") && noun(from) < 0 {
			all = append(all, from+" is no known noun; give it a place in the order of internal/arch_test.go")
			continue
		}
		for _, imported := range p.Imports {
			if why := forbidden(from, short(imported)); why != "" {
				all = append(all, fmt.Sprintf("%s imports %s; %s", from, short(imported), why))
			}
		}
	}
	return all
}

// forbidden says what to do instead of the import, or "" when it is allowed.
func forbidden(from, to string) string {
	if ours(to) && within(to, "store/storetest", "guarantee") && !testSupport(from) {
		return "only tests may"
	}
	switch layer(from) {
	case "base":
		return inBase(to)
	case "core":
		return inCore(from, to)
	case "store":
		if ours(to) && !within(to, "store", "core", "base") {
			return "store knows core and base only"
		}
	case "api", "worker", "provider":
		return atEdge(from, to)
	case "cmd":
		if ours(to) && !within(to, "app", "base") && !testSupport(from) {
			return "a command has flags and exit codes; let app do the work"
		}
	case "sdk":
		if ours(to) && !within(to, "sdk") {
			return "an SDK takes nothing from the server; mirror it with make generate"
		}
	case "app", "guarantee", "outside":
	default:
		return "no rule speaks of " + from + "; give it a place in docs/architecture.md and internal/arch_test.go"
	}
	return ""
}

func inBase(to string) string {
	switch {
	case to == "database/sql/driver": // a value that knows its stored form implements driver.Valuer
		return ""
	case within(to, sqlPackages...):
		return "move the query to store"
	case within(to, httpPackages...):
		return "HTTP belongs to api"
	case ours(to) && !within(to, "base"):
		return "base knows no business"
	case foreign(to) && !within(to, baseMay...):
		return "base is the standard library's, a decimal type and uuid"
	}
	return ""
}

func inCore(from, to string) string {
	switch {
	case within(to, sqlPackages...):
		return "move the query to store"
	case within(to, httpPackages...):
		return "HTTP belongs to api"
	case within(from, "core/rules") && (ours(to) || foreign(to)) && !within(to, "core/rules"):
		return "core/rules is mirrored into the SDK and has the standard library only"
	case within(to, "core") && noun(to) > noun(from):
		return "that noun is below it; declare a port in " + from + " and let app bind it"
	case within(to, "store"):
		return "declare what it needs as an interface and let app bind it"
	case ours(to) && !within(to, "core", "base"):
		return "core knows base and the nouns above it only"
	case foreign(to) && !within(to, coreMay...):
		return "core has the standard library and base only; put the rest behind a port"
	}
	return ""
}

// atEdge is for api, worker and provider, which all stand around core.
func atEdge(from, to string) string {
	switch {
	case within(to, sqlPackages...):
		return "move the query to store"
	case within(to, "store"):
		return "ask a service of core"
	case within(to, "core", "base", "api/auth", "api/problem"):
		return ""
	case ours(to) && part(from) != part(to):
		return "they meet in app only"
	}
	return ""
}

// part is what may not meet another of its kind: api/rest, provider/stripe, worker.
func part(p string) string {
	names := strings.Split(p, "/")
	if names[0] == "worker" || len(names) == 1 {
		return names[0]
	}
	return names[0] + "/" + names[1]
}

func TestViolations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from, to string
		want     string // "" is allowed
	}{
		{"core/usage", "database/sql", "core/usage imports database/sql; move the query to store"},
		{"core/usage", "github.com/jackc/pgx/v5/pgxpool", "core/usage imports github.com/jackc/pgx/v5/pgxpool; move the query to store"},
		{"core/usage", "net/http", "core/usage imports net/http; HTTP belongs to api"},
		{"core/usage", "core/entitlement", ""},
		{"core/usage", "base/page", ""},
		{"core/usage", "net/url", ""},
		{"core/entitlement", "golang.org/x/sync/singleflight", ""},
		{"core/catalog", "core/catalog/draft", ""},
		{"core/catalog", "core/customer", "core/catalog imports core/customer; that noun is below it; declare a port in core/catalog and let app bind it"},
		{"core/customer", "store", "core/customer imports store; declare what it needs as an interface and let app bind it"},
		{"core/customer", "api/problem", "core/customer imports api/problem; core knows base and the nouns above it only"},
		{"core/customer", "github.com/alecthomas/kong", "core/customer imports github.com/alecthomas/kong; core has the standard library and base only; put the rest behind a port"},
		{"core/rules", "time", ""},
		{"core/rules", "base/errs", "core/rules imports base/errs; core/rules is mirrored into the SDK and has the standard library only"},
		{"core/wallet", "time", "core/wallet is no known noun; give it a place in the order of internal/arch_test.go"},
		{"base/money", "github.com/cockroachdb/apd/v3", ""},
		{"base/money", "base/errs", ""},
		{"base/money", "core/catalog", "base/money imports core/catalog; base knows no business"},
		{"base/money", "database/sql/driver", ""},
		{"base/money", "database/sql", "base/money imports database/sql; move the query to store"},
		{"base/money", "github.com/google/go-cmp/cmp", "base/money imports github.com/google/go-cmp/cmp; base is the standard library's, a decimal type and uuid"},
		{"store", "database/sql", ""},
		{"store", "core/usage", ""},
		{"store", "app", "store imports app; store knows core and base only"},
		{"store", "store/storetest", "store imports store/storetest; only tests may"},
		{"store/storetest", "store/storetest/pgserver", ""},
		{"api/rest", "core/customer", ""},
		{"api/rest", "api/auth", ""},
		{"api/rest", "api/rest/docs", ""},
		{"api/rest", "net/http", ""},
		{"api/rest", "store", "api/rest imports store; ask a service of core"},
		{"api/rest", "modernc.org/sqlite", "api/rest imports modernc.org/sqlite; move the query to store"},
		{"api/rest", "api/graphql", "api/rest imports api/graphql; they meet in app only"},
		{"api/rest", "worker", "api/rest imports worker; they meet in app only"},
		{"worker", "worker/lease", ""},
		{"worker", "provider/email", "worker imports provider/email; they meet in app only"},
		{"provider/stripe", "provider/email", "provider/stripe imports provider/email; they meet in app only"},
		{"provider/stripe", "core/subscription", ""},
		{"app", "store", ""},
		{"app", "api/rest", ""},
		{"app/apptest", "store/storetest", ""},
		{"app", "store/storetest", "app imports store/storetest; only tests may"},
		{"app", "guarantee", "app imports guarantee; only tests may"},
		{"guarantee", "testing", ""},
		{"cmd/purser", "app", ""},
		{"cmd/purser", "store", "cmd/purser imports store; a command has flags and exit codes; let app do the work"},
		{"sdk/go", "sdk/go/internal/rules", ""},
		{"sdk/go", "core/rules", "sdk/go imports core/rules; an SDK takes nothing from the server; mirror it with make generate"},
		{"bench", "store", ""},
		{"internal/util", "time", "internal/util imports time; no rule speaks of internal/util; give it a place in docs/architecture.md and internal/arch_test.go"},
	}
	for _, tt := range tests {
		t.Run(tt.from+" imports "+tt.to, func(t *testing.T) {
			t.Parallel()
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			got := violations([]pkg{{ImportPath: long(tt.from), Imports: []string{long(tt.to)}}})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

var layers = []string{"base", "core", "store", "api", "worker", "provider", "app", "cmd", "sdk", "guarantee"}

// short is the name by which the tree is known: core/usage instead of the module's path and internal/.
func short(importPath string) string {
	rest, inside := strings.CutPrefix(importPath, module+"/")
	if !inside {
		return importPath
	}
	if s := strings.TrimPrefix(rest, "internal/"); slices.Contains(layers, layerName(s)) {
		return s
	}
	return rest
}

// long undoes short.
func long(name string) string {
	switch l := layerName(name); {
	case l == "cmd", l == "sdk", l == "bench", l == "internal":
		return module + "/" + name
	case slices.Contains(layers, l):
		return module + "/internal/" + name
	default:
		return name
	}
}

func layerName(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}

// layer is the first part of a short name, or "outside" for programs beside the product such as bench.
func layer(from string) string {
	l := layerName(from)
	if slices.Contains(layers, l) || l == "internal" {
		return l
	}
	return "outside"
}

// ours says whether a short name is a package of this module.
func ours(p string) bool {
	return slices.Contains(layers, layerName(p)) || layerName(p) == "internal" || strings.HasPrefix(p, "console")
}

// foreign says whether it is neither ours nor the standard library's.
func foreign(p string) bool { return !ours(p) && strings.Contains(layerName(p), ".") }

// within says whether p is one of the packages or below one.
func within(p string, packages ...string) bool {
	return slices.ContainsFunc(packages, func(q string) bool { return p == q || strings.HasPrefix(p, q+"/") })
}

// testSupport says whether a package exists for tests: its name ends in test, or it is below one that does.
func testSupport(p string) bool {
	return within(p, "store/storetest", "guarantee") || strings.HasSuffix(path.Base(p), "test") || layer(p) == "outside"
}

func noun(p string) int {
	name, _, _ := strings.Cut(strings.TrimPrefix(p, "core/"), "/")
	return slices.Index(nouns, name)
}

func list(t *testing.T, dir string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v", dir, err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// readFolders walks the Go code, so that `go test` does not answer from its cache after an import has changed: it knows
// what this process has read, not what `go list` has.
func readFolders(t *testing.T, root string) {
	t.Helper()
	for _, dir := range []string{"api", "bench", "cmd", "console", "examples", "internal", "sdk", "test"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "node_modules" {
				return fs.SkipDir
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

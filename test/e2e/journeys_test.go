package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/store/storetest"
)

// firstKeys are the keys that a first start prints, by environment and kind.
func firstKeys(printed string) map[string]string {
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ +(\w+) +(SERVER|CLIENT) +(\S+)$`).FindAllStringSubmatch(printed, -1) {
		found[m[1]+" "+m[2]] = m[3]
	}
	return found
}

// A server without any settings makes its own keys, shows them once, and keeps them.
func TestKeysSurviveARestart(t *testing.T) {
	each(t, func(t *testing.T, at place) {
		args := append([]string{"serve", "--listen", "127.0.0.1:0"}, at.args...)
		s := launch(t, purser(t, nil, args...))
		made := firstKeys(s.out.String())
		if len(made) != 4 {
			t.Fatalf("the first start shows %d keys, want 4:\n%s", len(made), s.out)
		}
		s.Key = made["development SERVER"]
		s.do("POST", "/api/v1/customers", provision{ID: "acme"}, nil)
		s.stop()

		s = launch(t, purser(t, keys, args...)) // keys that are given later change nothing
		if again := firstKeys(s.out.String()); len(again) != 0 {
			t.Errorf("the second start shows keys again: %v", again)
		}
		for name, key := range made {
			want := 200
			if strings.HasSuffix(name, "CLIENT") {
				want = 403 // customers are not a client key's business
			}
			if got, code := s.with(key).status("GET", "/api/v1/customers?limit=1", nil); got != want {
				t.Errorf("the %s key of the first start: %d %s, want %d", name, got, code, want)
			}
		}
		if got, _ := s.status("GET", "/api/v1/customers", nil); got != 401 {
			t.Errorf("a key that was given at the second start: %d, want 401", got)
		}
		s.Key = made["development SERVER"]
		if got, _ := s.status("GET", "/api/v1/customers/acme", nil); got != 200 {
			t.Errorf("the customer after the restart: %d", got)
		}
	})
}

// Commands work on the data of a server that runs, and of one that has just stopped.
func TestCommandsBesideAndWithoutAServer(t *testing.T) {
	each(t, func(t *testing.T, at place) {
		s := serve(t, at)
		s.demo()
		s.do("POST", "/api/v1/customers", provision{ID: "acme", SubscriptionParams: &params{"plan-pro"}}, nil)
		commands(t, at, s)
		s.stop()
		commands(t, at, nil)
		s = serve(t, at)
		if got, _ := s.status("GET", "/api/v1/customers/acme", nil); got != 200 {
			t.Errorf("the customer after all that: %d", got)
		}
	})
}

// commands calls every command that reaches the data; s runs on it, or is nil.
func commands(t *testing.T, at place, s *server) {
	t.Helper()
	call := func(verb ...string) string {
		t.Helper()
		return succeeds(t, nil, append(verb, at.args...)...)
	}
	secret, _, _ := strings.Cut(call("key", "create", "--name", "for a test"), "\n")
	list := call("key", "list", "--environment", "development")
	if s != nil {
		until(t, "the server knows the new key", func() bool {
			got, _ := s.with(secret).status("GET", "/api/v1/customers", nil)
			return got == 200
		})
	}
	id := ""
	for line := range strings.Lines(list) {
		if strings.Contains(line, secret[len(secret)-4:]) && strings.Contains(line, "for a test") {
			id = strings.Fields(line)[0]
		}
	}
	if id == "" || strings.Contains(list, secret) {
		t.Fatalf("key list must name the new key without its secret:\n%s", list)
	}
	next, _, _ := strings.Cut(call("key", "rotate", id, "--keep", "now"), "\n")
	if s != nil {
		until(t, "the old secret is refused", func() bool {
			got, _ := s.with(secret).status("GET", "/api/v1/customers", nil)
			return got == 401
		})
		if got, _ := s.with(next).status("GET", "/api/v1/customers", nil); got != 200 {
			t.Errorf("the secret after the rotation: %d", got)
		}
	}
	if out := call("verify"); !strings.Contains(out, "development: 1 customers, 1 subscriptions, 2 timers") {
		t.Errorf("verify: %s", out)
	}
	if at.postgres() {
		if code, _, errs := command(t, nil, append([]string{"backup", "x"}, at.args...)...); code == 0 || !strings.Contains(errs, "pg_dump") {
			t.Errorf("backup of PostgreSQL: %d, %s; want the words that say how", code, errs)
		}
		return
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	call("backup", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info, err)
	}
}

func TestOneServerPerDirectory(t *testing.T) {
	t.Parallel()
	at := sqlite(t)
	s := serve(t, at)
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"migrate"}, {"restore", "x", "--force"}} {
		code, _, errs := command(t, nil, append(args, at.args...)...)
		if code != 1 || !strings.Contains(errs, "another purser runs on") {
			t.Errorf("%s beside a server: code %d, %s", args[0], code, errs)
		}
	}
	if got, _ := s.status("GET", "/api/v1/customers", nil); got != 200 {
		t.Errorf("the server after that: %d", got)
	}
	s.kill() // leaves its lock and its socket behind
	serve(t, at).stop()
}

// A backup is as of its instant, serves as the original did, and begins a new generation: whoever has read further is told.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	at := sqlite(t)
	s := serve(t, at)
	s.demo()
	s.do("POST", "/api/v1/customers", provision{ID: "before", Name: "Before", SubscriptionParams: &params{"plan-pro"}}, nil)
	_, cursor := s.feed("", "mark")
	file := filepath.Join(t.TempDir(), "copy.db")
	succeeds(t, nil, append([]string{"backup", file}, at.args...)...)
	s.do("POST", "/api/v1/customers", provision{ID: "after"}, nil)
	s.stop()

	target := sqlite(t)
	succeeds(t, nil, append([]string{"restore", file}, target.args...)...)
	restored := serve(t, target)
	if got, code := restored.status("GET", "/api/v1/feed?after="+cursor, nil); got != 410 || code != "FeedResync" {
		t.Errorf("a position of before the backup: %d %s, want 410 FeedResync", got, code)
	}
	for id, want := range map[string]int{"before": 200, "after": 404} {
		if got, _ := restored.status("GET", "/api/v1/customers/"+id, nil); got != want {
			t.Errorf("the customer %s: %d, want %d", id, got, want)
		}
	}
	events, _ := restored.feed("", "new-mark")
	if len(events) == 0 || events[len(events)-1].Entity.ID != "mark" {
		t.Errorf("the restored feed has %d events and ends with %+v", len(events), events[max(0, len(events)-1):])
	}
	restored.do("POST", "/api/v1/customers", provision{ID: "before", Name: "Before", SubscriptionParams: &params{"plan-pro"}}, nil)
	if out := succeeds(t, nil, append([]string{"verify"}, target.args...)...); !strings.Contains(out, "no differences") {
		t.Errorf("verify: %s", out)
	}
}

// PostgreSQL is restored by its own tools; the owner then tells Purser.
func TestRestoredPostgres(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		if engine != storetest.Postgres {
			continue
		}
		at := at(storetest.New(t, engine))
		s := serve(t, at)
		_, cursor := s.feed("", "mark")
		s.stop()
		succeeds(t, nil, append([]string{"restore", "--after-pg-restore"}, at.args...)...)
		if got, code := serve(t, at).status("GET", "/api/v1/feed?after="+cursor, nil); got != 410 || code != "FeedResync" {
			t.Errorf("a position of before the restore: %d %s, want 410 FeedResync", got, code)
		}
	}
}

// A flag wins over its variable; a secret may be in a file that a variable names.
func TestWhereSettingsComeFrom(t *testing.T) {
	each(t, func(t *testing.T, at place) {
		dir := t.TempDir()
		file := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		env := []string{
			"PURSER_LISTEN=nonsense", "PURSER_LOG_LEVEL=error", "PURSER_LOG_FORMAT=json",
			"PURSER_BOOTSTRAP_SERVER_KEY_FILE=" + file("key", serverKey),
		}
		if at.postgres() {
			env = append(env, "PURSER_DATABASE_FILE="+file("database", at.DSN), "PURSER_DATA="+dir+"/not-made")
		} else {
			env = append(env, "PURSER_DATA="+filepath.Dir(at.Path))
		}
		s := launch(t, purser(t, env, "serve", "--listen", "127.0.0.1:0", "--log-level", "info"))
		if got, code := s.status("GET", "/api/v1/customers", nil); got != 200 {
			t.Errorf("the key of the file: %d %s", got, code)
		}
		if made := firstKeys(s.out.String()); len(made) != 3 || made["development SERVER"] != "" {
			t.Errorf("the keys that were made: %v, want all but the given one", made)
		}
		until(t, "there is a log line", func() bool { return s.errs.String() != "" })
		if line, _, _ := strings.Cut(s.errs.String(), "\n"); !strings.HasPrefix(line, "{") {
			t.Errorf("a log line, JSON by the variable: %s", line)
		}
		s.stop()
		if _, err := os.Stat(dir + "/not-made"); err == nil {
			t.Error("a server on PostgreSQL made a data directory")
		}
		code, _, errs := command(t, append(env, "PURSER_BOOTSTRAP_SERVER_KEY="+serverKey), "serve", "--listen", "127.0.0.1:0")
		if code != 2 || !strings.Contains(errs, "both PURSER_BOOTSTRAP_SERVER_KEY and PURSER_BOOTSTRAP_SERVER_KEY_FILE are set") {
			t.Errorf("a secret in both places: %d, %s", code, errs)
		}
	})
}

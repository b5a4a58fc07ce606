package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newYear is when moves begin.
var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// TestMain lets this binary be the command: a test starts itself with PURSER_TEST_COMMAND set.
func TestMain(m *testing.M) {
	if os.Getenv("PURSER_TEST_COMMAND") != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// command prepares a call in an empty folder; env are NAME=value pairs.
func command(t *testing.T, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Dir = dir
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PURSER_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(append(cmd.Env, "PURSER_TEST_COMMAND=1"), env...)
	return cmd
}

// call runs a command to its end.
func call(t *testing.T, dir string, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	cmd := command(t, dir, env, args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// server is a command that runs until stop, which returns its exit code.
type server struct {
	out  *bufio.Reader
	errs *bytes.Buffer
	stop func() int
}

func start(t *testing.T, dir string, env []string, args ...string) *server {
	t.Helper()
	cmd := command(t, dir, env, args...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{out: bufio.NewReader(pipe), errs: &bytes.Buffer{}}
	cmd.Stderr = s.errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	s.stop = func() int {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_, _ = io.Copy(io.Discard, s.out)
			_ = cmd.Wait()
		}
		return cmd.ProcessState.ExitCode()
	}
	t.Cleanup(func() { s.stop() })
	return s
}

// until reads lines up to the one that matches and returns its first group.
func (s *server) until(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for {
		line, err := s.out.ReadString('\n')
		if m := re.FindStringSubmatch(line); m != nil {
			return m[1]
		}
		if err != nil {
			t.Fatalf("nothing printed matches %s; on standard error: %s", pattern, s.errs)
		}
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	if err := os.WriteFile(file, []byte("server-x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		code int
		says string // on standard output for code 0, else on standard error
	}{
		{"version", nil, []string{"version"}, ok, "purser "},
		{"help", nil, []string{"--help"}, ok, "Run the server."},
		{"nothing", nil, nil, misuse, "purser: expected one of"},
		{"an unknown verb", nil, []string{"sell"}, misuse, "purser: unexpected argument sell"},
		{"an unknown flag", nil, []string{"version", "--loud"}, misuse, "unknown flag --loud"},
		{"serve without an address", nil, []string{"serve"}, misuse, "say where to listen"},
		{"serve on nonsense", nil, []string{"serve", "--listen", "nowhere", "--data", "nonsense"}, failure, "listen on nowhere"},
		{"a level that is none", nil, []string{"serve", "--listen", ":0", "--log-level", "loud"}, misuse, "--log-level"},
		{"a level from the environment", []string{"PURSER_LOG_LEVEL=loud"}, []string{"serve", "--listen", ":0"}, misuse, "--log-level"},
		{"keys without data", nil, []string{"key", "list", "--data", "none"}, failure, "purser: there is no data in none"},
		{"a directory from the environment", []string{"PURSER_DATA=elsewhere"}, []string{"key", "list"}, failure, "there is no data in elsewhere"},
		{"a bad key", []string{"PURSER_BOOTSTRAP_SERVER_KEY=x"}, []string{"serve", "--listen", ":0"}, failure, "PURSER_BOOTSTRAP_SERVER_KEY must begin with server-"},
		{"a bad key in a file", []string{"PURSER_BOOTSTRAP_SERVER_KEY_FILE=" + file}, []string{"serve", "--listen", ":0"}, failure, "PURSER_BOOTSTRAP_SERVER_KEY must have from 32"},
		{"a key in both places", []string{"PURSER_KEY=a", "PURSER_KEY_FILE=" + file}, []string{"clock"}, misuse, "both PURSER_KEY and PURSER_KEY_FILE are set"},
		{"a database that is away", []string{"PURSER_DATABASE=postgres://127.0.0.1:1/none"}, []string{"key", "list"}, failure, "127.0.0.1:1"},
		{"verify a database in spite of the environment", []string{"PURSER_URL=http://127.0.0.1:2", "PURSER_KEY=k"}, []string{"verify", "--database", "postgres://127.0.0.1:1/none"}, failure, "127.0.0.1:1"},
		{"verify a directory and a server", nil, []string{"verify", "--data", "none", "--url", "http://127.0.0.1:1", "--key", "k"}, misuse, "not both"},
		{"verify a directory with a key", []string{"PURSER_URL=http://127.0.0.1:1"}, []string{"verify", "--data", "none", "--key", "k"}, misuse, "not both"},
		{"rotate without an id", nil, []string{"key", "rotate"}, misuse, "<id>"},
		{"keep for a year", nil, []string{"key", "rotate", "x", "--keep", "1y"}, misuse, "--keep"},
		{"a clock without a server", nil, []string{"clock"}, failure, "give --url and --key"},
		{"a clock of a server that is away", nil, []string{"clock", "--url", "http://127.0.0.1:1", "--key", "k"}, failure, "http://127.0.0.1:1 cannot be reached"},
		{"a URL that is none", nil, []string{"clock", "--url", "127.0.0.1", "--key", "k"}, failure, "is no URL of a server"},
		{"a move that is none", nil, []string{"clock", "soon"}, misuse, "is no move of a clock"},
		{"a customer without an id", nil, []string{"provision"}, misuse, "--id"},
		{"migrate", nil, []string{"migrate", "--data", "fresh"}, ok, "up to date"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := call(t, dir, tt.env, tt.args...)
			says := errs
			if tt.code == ok {
				says = out
			}
			if code != tt.code || !strings.Contains(says, tt.says) {
				t.Errorf("code %d, want %d; want %q in:\n%s", code, tt.code, tt.says, says)
			}
			if n := strings.Count(errs, "\n"); code == failure && n != 1 {
				t.Errorf("%d lines on standard error, want 1:\n%s", n, errs)
			}
		})
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, []string{"PURSER_LISTEN=127.0.0.1:0"}, "serve", "--log-format", "json")
	key := s.until(t, `development +SERVER (server-\S+)`)
	url := s.until(t, `answers at (http://127\.0\.0\.1:\d+)`)
	at := []string{"PURSER_URL=" + url, "PURSER_KEY=" + key}

	if code, out, errs := call(t, dir, nil, "key", "list"); code != ok || strings.Count(out, "\n") != 5 {
		t.Errorf("key list: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := call(t, dir, at, "clock"); code != ok || !strings.Contains(out, "(real time)") {
		t.Errorf("clock: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := call(t, dir, at, "clock", "2090-01-01T00:00:00Z"); code != ok || out != "2090-01-01T00:00:00Z (test time)\n" {
		t.Errorf("clock to a time: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := call(t, dir, at, "clock", "+14d1h"); code != ok || out != "2090-01-15T01:00:00Z (test time)\n" {
		t.Errorf("clock by a time: %d\n%s%s", code, out, errs)
	}
	if code, _, errs := call(t, dir, at, "clock", "2089-01-01T00:00:00Z"); code != failure || !strings.Contains(errs, "only moves forward") {
		t.Errorf("clock backwards: %d\n%s", code, errs)
	}
	customer := []string{"provision", "--id", "customer-1", "--name", "One", "--email", "one@example.com"}
	if code, out, errs := call(t, dir, at, append(customer, "--dry-run")...); code != ok || !strings.Contains(out, "SKIPPED_SUBSCRIPTION_CREATION") {
		t.Errorf("provision --dry-run: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := call(t, dir, at, customer...); code != ok || !strings.Contains(out, `"customer-1"`) {
		t.Errorf("provision: %d\n%s%s", code, out, errs)
	}
	if code, _, errs := call(t, dir, at, append(customer, "--plan", "plan-x")...); code != failure || !strings.Contains(errs, "DuplicatedEntityNotAllowed") {
		t.Errorf("provision with other content: %d\n%s", code, errs)
	}
	told := []string{"explain", "customer-1", "seats", "--requested-usage", "2", "--requested-values", "a,b"}
	if code, out, errs := call(t, dir, at, told...); code != ok || !strings.Contains(out, "decision       Denied: there is no feature seats.") {
		t.Errorf("explain: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := call(t, dir, at, append(told, "--at", "2095-01-01T00:00:00Z", "--json")...); code != ok || !strings.Contains(out, `"accessDeniedReason": "FeatureNotFound"`) {
		t.Errorf("explain --json: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := call(t, dir, nil, "verify"); code != ok || !strings.Contains(out, "development: 1 customers") || !strings.Contains(out, "production: 0 customers") {
		t.Errorf("verify: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := call(t, dir, at, "verify"); code != ok || !strings.HasPrefix(out, "this environment: 1 customers") {
		t.Errorf("verify over REST: %d\n%s%s", code, out, errs)
	}
	if code, _, errs := call(t, dir, at[:1], "verify"); code != misuse {
		t.Errorf("verify with half of an address: %d\n%s", code, errs)
	}
	if code, _, errs := call(t, dir, nil, "serve", "--listen", "127.0.0.1:0"); code != failure || !strings.Contains(errs, "another purser runs on") {
		t.Errorf("a second server: %d\n%s", code, errs)
	}
	if code, _, errs := call(t, dir, nil, "backup", "copy.db"); code != ok {
		t.Errorf("backup: %d\n%s", code, errs)
	}
	if code, _, errs := call(t, dir, nil, "backup", "copy.db"); code != failure || !strings.Contains(errs, "exists already") {
		t.Errorf("backup to the same file: %d\n%s", code, errs)
	}
	if code, _, errs := call(t, dir, nil, "restore", "copy.db", "--force"); code != failure || !strings.Contains(errs, "another purser runs on") {
		t.Errorf("restore beside a server: %d\n%s", code, errs)
	}
	if code, _, errs := call(t, dir, nil, "restore", "copy.db", "--data", "restored"); code != ok {
		t.Errorf("restore: %d\n%s", code, errs)
	}
	if code, out, errs := call(t, dir, nil, "verify", "--data", "restored"); code != ok || !strings.Contains(out, "development: 1 customers") {
		t.Errorf("verify what was restored: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := call(t, dir, at, "verify", "--data", "restored"); code != ok || !strings.Contains(out, "production: 0 customers") {
		t.Errorf("verify a directory in spite of the environment: %d\n%s%s", code, out, errs)
	}
	if code, _, errs := call(t, dir, nil, "restore"); code != misuse {
		t.Errorf("restore nothing: %d\n%s", code, errs)
	}
	if code := s.stop(); code != ok {
		t.Errorf("stopped with %d:\n%s", code, s.errs)
	}
	for line := range strings.Lines(s.errs.String()) {
		if !strings.HasPrefix(line, "{") || strings.Contains(line, "one@example.com") || strings.Contains(line, key) {
			t.Errorf("log line: %s", line)
		}
	}
}

// What a demo prints works as it stands, wherever its data is.
func TestDemoPrintsItsFolder(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"data": "", "other": " --data other", "the demo's data": ` --data 'the demo'\''s data'`, "-x": " --data=-x",
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := start(t, dir, nil, "demo", "--listen", "127.0.0.1:0", "--data="+data)
			line := s.until(t, `^  (.* clock .*14d)\n`)
			if !strings.HasSuffix(line, " clock"+want+" +14d") {
				t.Errorf("printed %s", line)
			}
			cmd := command(t, dir, nil)
			shell := exec.CommandContext(t.Context(), "sh", "-c", line)
			shell.Dir, shell.Env = dir, cmd.Env
			if out, err := shell.CombinedOutput(); err != nil || !strings.Contains(string(out), "(test time)") {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		})
	}
}

func TestParseMove(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ move, want string }{
		{"+14d", "2026-01-15T00:00:00Z"},
		{"+2h30m", "2026-01-01T02:30:00Z"},
		{"+1w1d1s", "2026-01-09T00:00:01Z"},
		{"2027-05-06T07:08:09+01:00", "2027-05-06T06:08:09Z"},
		{"+", ""},
		{"+14", ""},
		{"14d", ""},
		{"+d", ""},
		{"-1d", ""},
		{"+1d2", ""},
		{"+1.5h", ""},
		{"+99999999999999999999d", ""},
		{"+100000w", ""},
		{"+36500d1d", ""},
		{"tomorrow", ""},
	} {
		target, err := parseMove(tt.move)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%s is a move", tt.move)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.move, err)
			continue
		}
		if got := target(newYear).UTC().Format("2006-01-02T15:04:05Z07:00"); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.move, got, tt.want)
		}
	}
}

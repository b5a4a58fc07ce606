package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// The keys that servers start with.
const (
	serverKey     = "server-e2e-development-0000000000000001"
	clientKey     = "client-e2e-development-0000000000000002"
	prodServerKey = "server-e2e-production-00000000000000003"
	prodClientKey = "client-e2e-production-00000000000000004"
)

var keys = []string{
	"PURSER_BOOTSTRAP_SERVER_KEY=" + serverKey, "PURSER_BOOTSTRAP_CLIENT_KEY=" + clientKey,
	"PURSER_BOOTSTRAP_PRODUCTION_SERVER_KEY=" + prodServerKey, "PURSER_BOOTSTRAP_PRODUCTION_CLIENT_KEY=" + prodClientKey,
}

// place is where a server's data is: one empty database of an engine.
type place struct {
	store.Config
	args []string // flags that name it
}

// each runs fn on every engine, as a parallel subtest.
func each(t *testing.T, fn func(t *testing.T, at place)) {
	t.Helper()
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) { fn(t, at(cfg)) })
}

func at(cfg store.Config) place {
	if cfg.DSN != "" {
		return place{cfg, []string{"--database", cfg.DSN}}
	}
	return place{cfg, []string{"--data", filepath.Dir(cfg.Path)}}
}

func (p place) postgres() bool { return p.DSN != "" }

// sqlite is a place with the embedded database.
func sqlite(t *testing.T) place {
	t.Helper()
	return at(store.Config{Path: filepath.Join(t.TempDir(), "purser.db")}) // the binary makes it
}

// purser prepares a call of the binary with no settings but env.
func purser(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = t.TempDir()
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PURSER_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// command calls the binary and waits for its end.
func command(t *testing.T, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	cmd := purser(t, env, args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// succeeds is command for a call that must end with 0. It returns what was printed.
func succeeds(t *testing.T, env []string, args ...string) string {
	t.Helper()
	code, out, errs := command(t, env, args...)
	if code != 0 {
		t.Fatalf("purser %s: code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// server is a running `purser serve`.
type server struct {
	app.Client // with the development server key
	t          *testing.T
	cmd        *exec.Cmd
	out, errs  *console
	ended      func() int
}

// startTime is how long a start may take: it may have a long log to recover on a machine that does much else.
const startTime = 2 * time.Minute

// serve starts a server at a place and waits until it says where it answers.
func serve(t *testing.T, at place, more ...string) *server {
	t.Helper()
	return launch(t, purser(t, keys, append(append([]string{"serve", "--listen", "127.0.0.1:0"}, at.args...), more...)...))
}

func launch(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{t: t, cmd: cmd, out: newConsole(), errs: newConsole()}
	cmd.Stdout, cmd.Stderr = s.out, s.errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the code is asked for below
		close(gone)
	}()
	s.ended = func() int {
		<-gone
		return cmd.ProcessState.ExitCode()
	}
	t.Cleanup(func() { s.kill() })
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case url := <-s.out.url:
		s.Client = app.Client{URL: url, Key: serverKey}
	case <-gone:
		t.Fatalf("the server ended with %d:\n%s", cmd.ProcessState.ExitCode(), s.errs)
	case <-timer.C:
		t.Fatalf("the server does not say where it answers:\n%s%s", s.out, s.errs)
	}
	return s
}

// kill ends the process as a crash would.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	s.ended()
}

// terminate asks the process to stop.
func (s *server) terminate() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
}

// stop asks the process to stop and requires that it ends well.
func (s *server) stop() {
	s.t.Helper()
	s.terminate()
	if code := s.ended(); code != 0 {
		s.t.Fatalf("the server stopped with %d:\n%s", code, s.errs)
	}
}

// do sends a request that must succeed and decodes the data of its answer.
func (s *server) do(method, path string, body, into any) {
	s.t.Helper()
	answer, err := s.Do(s.t.Context(), method, path, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	envelope := struct{ Data any }{into}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		s.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
	}
}

// status sends a request and returns the status of the answer and its error code.
func (s *server) status(method, path string, body any) (int, string) {
	s.t.Helper()
	_, err := s.Do(s.t.Context(), method, path, body)
	var refused *app.Refused
	switch {
	case err == nil:
		return 200, ""
	case errors.As(err, &refused):
		return refused.Status, refused.Code
	}
	s.t.Fatalf("%s %s: %v", method, path, err)
	return 0, ""
}

// with is the server seen by another key.
func (s *server) with(key string) *server {
	other := *s
	other.Key = key
	return &other
}

// demo loads the demo's catalog: plan-free and plan-basic (free) and plan-pro (paid, a trial of 14 days).
func (s *server) demo() {
	s.t.Helper()
	b, err := os.ReadFile("../../internal/app/demo/catalog.json")
	if err != nil {
		s.t.Fatal(err)
	}
	s.do("POST", "/api/v1/catalog/apply", json.RawMessage(b), nil)
}

// event is one row of the feed.
type event struct {
	Position string
	Type     string
	Entity   struct{ Type, ID string }
	Version  int64
	Payload  json.RawMessage
}

type news struct {
	Data []event
	Next string
}

// page reads one page of the feed.
func (s *server) page(ctx context.Context, after, query string) (news, error) {
	path := "/api/v1/feed?limit=1000" + query
	if after != "" {
		path += "&after=" + after
	}
	var n news
	answer, err := s.Do(ctx, "GET", path, nil)
	if err == nil {
		err = json.Unmarshal(answer, &n)
	}
	return n, err
}

// feed reads from a position up to the event of a customer that is made for that: all that was answered before is in it.
func (s *server) feed(after, marker string) (events []event, next string) {
	s.t.Helper()
	s.do("POST", "/api/v1/customers", provision{ID: marker}, nil)
	for {
		n, err := s.page(s.t.Context(), after, "&wait=20")
		if err != nil || len(n.Data) == 0 {
			s.t.Fatalf("the feed after %q ends before the event of %s: %v", after, marker, err)
		}
		for _, e := range n.Data {
			if e.Entity.ID == marker {
				return events, e.Position
			}
			events = append(events, e)
		}
		after = n.Next
	}
}

// provision is the body of POST /api/v1/customers.
type provision struct {
	ID                 string            `json:"id"`
	Name               string            `json:"name,omitempty"`
	Email              string            `json:"email,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
	SubscriptionParams *params           `json:"subscriptionParams,omitempty"`
}

type params struct {
	PlanID string `json:"planId"`
}

// console keeps what a process prints and finds the address that it tells.
type console struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	url  chan string
	told sync.Once
}

func newConsole() *console { return &console{url: make(chan string, 1)} }

var answersAt = regexp.MustCompile(`answers at (http://\S+)\n`)

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(b)
	if m := answersAt.FindSubmatch(c.buf.Bytes()); m != nil {
		c.told.Do(func() { c.url <- string(m[1]) })
	}
	return len(b), nil
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}

// until waits for something that another process is about to do.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := (clock.System{}).Now().Add(time.Minute); !cond(); <-tick.C {
		if (clock.System{}).Now().After(end) {
			t.Fatalf("still waiting until %s", what)
		}
	}
}

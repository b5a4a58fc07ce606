package pgserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// ownerEnv makes the test binary start a server, say where, and wait to be killed.
const ownerEnv = "PURSER_TEST_PGSERVER_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerEnv) != "" {
		s, err := Start(context.Background())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, s.home.dir)
		select {}
	}
	code := m.Run()
	if err := StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	s, err := StartWith(t.Context(), Options{TCP: true, Fsync: true, Extra: []string{"max_connections=20", "work_mem=1MB"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"lc_collate": queryText(t, s.DSN("postgres"), "select datcollate from pg_database where datname = 'postgres'"),
	}
	for _, name := range []string{"fsync", "full_page_writes", "max_connections", "work_mem", "server_encoding"} {
		got[name] = queryText(t, s.DSN("postgres"), "select setting from pg_settings where name = $1", name)
	}
	want := map[string]string{
		"fsync": "on", "full_page_writes": "on", "max_connections": "20", "work_mem": "1024",
		"lc_collate": "C", "server_encoding": "UTF8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	network, addr := s.Addr()
	if network != "tcp" || !strings.HasPrefix(addr, "127.0.0.1:") {
		t.Errorf("Addr() = %s %s, want a TCP address on loopback", network, addr)
	}
	dial(t, network, addr)

	if err := s.Stop(); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	if _, err := os.Stat(s.home.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Stop the folder is still there: %v", err)
	}
	if _, err := pgx.Connect(t.Context(), s.DSN("postgres")); err == nil {
		t.Error("after Stop the server still answers")
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := StartWith(t.Context(), Options{Extra: []string{"no_such_setting=1"}})
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Fatalf("got error %v, want one that shows the server's words", err)
	}
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	s := server(t)
	ctx := t.Context()
	network, addr := s.Addr()
	dial(t, network, addr)

	const template, clone = `pgserver "template"`, "pgserver_clone"
	var fills atomic.Int32
	var wg sync.WaitGroup
	for range 4 { // the advisory lock leaves one of them to fill it
		wg.Go(func() {
			err := s.EnsureTemplate(ctx, template, func(ctx context.Context, dsn string) error {
				fills.Add(1)
				return execSQL(ctx, dsn, "create table t (n int); insert into t values (42)")
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := fills.Load(); got != 1 {
		t.Errorf("the template was filled %d times, want 1", got)
	}

	if err := s.CreateDatabase(ctx, clone, template); err != nil {
		t.Fatal(err)
	}
	if got := queryText(t, s.DSN(clone), "select n::text from t"); got != "42" {
		t.Errorf("the clone holds %q, want 42", got)
	}
	if err := s.CreateDatabase(ctx, clone, ""); err == nil {
		t.Error("the same name a second time gave no error")
	}
	for _, name := range []string{clone, template, "pgserver_never_there"} {
		if err := s.DropDatabase(ctx, name); err != nil {
			t.Error(err)
		}
	}
	if _, err := pgx.Connect(ctx, s.DSN(clone)); err == nil {
		t.Error("a dropped database still answers")
	}
}

func TestEnsureTemplateForgetsAFailedFill(t *testing.T) {
	t.Parallel()
	s := server(t)
	const name = "pgserver_second_try"
	broken := errors.New("broken")
	err := s.EnsureTemplate(t.Context(), name, func(context.Context, string) error { return broken })
	if !errors.Is(err, broken) {
		t.Fatalf("got error %v, want %v", err, broken)
	}
	filled := false
	err = s.EnsureTemplate(t.Context(), name, func(context.Context, string) error { filled = true; return nil })
	if err != nil || !filled {
		t.Errorf("second try: filled = %v, error %v; want it filled", filled, err)
	}
	if err := s.DropDatabase(t.Context(), name); err != nil {
		t.Error(err)
	}
}

func TestServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	owner := exec.CommandContext(t.Context(), self)
	owner.Env = append(os.Environ(), ownerEnv+"=1")
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the owner said %q: %v", line, err)
	}
	dir := strings.TrimSpace(line)
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // killed

	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(stopTimeout)
	for {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s is still there after its owner was killed", dir)
		}
	}
}

func TestSharedAttaches(t *testing.T) { // sets the environment, so not parallel
	running, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = running.Stop() }()

	t.Setenv(DSNEnv, running.DSN("postgres"))
	s, err := Shared()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.DSN("x"), running.DSN("x"); got != want {
		t.Errorf("DSN = %s, want %s", got, want)
	}
	if err := StopShared(); err != nil {
		t.Fatal(err)
	}
	queryText(t, running.DSN("postgres"), "select 'still there'")

	for _, dsn := range []string{"host=/tmp password=hush", "postgres://postgres:hush@127.0.0.1:1/postgres"} {
		t.Setenv(DSNEnv, dsn)
		_, err := Shared()
		if err == nil || !strings.Contains(err.Error(), DSNEnv) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got error %v, want one that names the variable and hides the password", dsn, err)
		}
		if err := StopShared(); err != nil {
			t.Fatal(err)
		}
	}
}

func server(t *testing.T) *Server {
	t.Helper()
	s, err := Shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dial(t *testing.T, network, addr string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), network, addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func execSQL(ctx context.Context, dsn, sql string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func queryText(t *testing.T, dsn, sql string, args ...any) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var text string
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

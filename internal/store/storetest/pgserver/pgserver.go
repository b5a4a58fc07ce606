// Package pgserver starts throw-away PostgreSQL servers for tests.
//
// A Server lives in a temporary folder of its own, listens on a unix socket in
// it, and is gone after Stop, or soon after the process that started it has
// died. The programs come from an installed PostgreSQL, or are fetched once into
// the user's cache (find.go). Schemas and migrations are left to the caller.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	superuser    = "postgres"
)

// Options change how a server is started. The zero value is the fast, forgetful server that most tests want.
type Options struct {
	// Fsync keeps PostgreSQL's own defaults for durability. Without it nothing is forced to disk.
	Fsync bool
	// TCP makes the server listen on a free port of 127.0.0.1 as well, and DSN name that address.
	TCP bool
	// Extra are further settings such as "deadlock_timeout=50ms". They win over all others.
	Extra []string
}

// Server is a running PostgreSQL. Its methods are safe for concurrent use.
type Server struct {
	// Version is what the server calls itself, such as "15.14 (Debian 15.14-1)".
	Version string

	base     url.URL // a connection as superuser; the path is the database
	home     *home
	cmd      *exec.Cmd     // the postmaster; nil when somebody else runs it
	exited   chan struct{} // closed when cmd has ended
	watchdog *exec.Cmd
	leash    io.Closer // the watchdog acts when this is closed, by us or by our death
	kept     admin
}

// Start starts a server with default options.
func Start(ctx context.Context) (*Server, error) { return StartWith(ctx, Options{}) }

// StartWith finds or fetches PostgreSQL, makes an empty cluster and waits until it answers. ctx limits the start only.
func StartWith(ctx context.Context, opt Options) (*Server, error) {
	prog, err := find(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	h, err := newHome()
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	s := &Server{Version: prog.version, home: h}
	if err := s.boot(ctx, prog, opt); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) boot(ctx context.Context, prog program, opt Options) error {
	// The C locale orders text by bytes, as SQLite does.
	initdb := exec.CommandContext(ctx, prog.path("initdb"), "-D", s.home.data(), "-U", superuser, "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	s.home.prepare(initdb)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb of %s: %w\n%s", prog.dir, err, out)
	}

	port := 5432
	s.base = url.URL{
		Scheme: "postgres", User: url.User(superuser),
		RawQuery: url.Values{"host": {s.home.dir}, "port": {strconv.Itoa(port)}, "sslmode": {"disable"}}.Encode(),
	}
	if opt.TCP {
		var err error
		if port, err = freePort(ctx); err != nil {
			return err
		}
		s.base.Host, s.base.RawQuery = net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), "sslmode=disable"
	}

	log, err := os.Create(s.home.log())
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the postmaster has its own descriptor
	// The server outlives ctx: it ends in Stop.
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), prog.path("postgres"), s.settings(port, opt)...)
	s.home.prepare(s.cmd)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("start %s: %w", prog.path("postgres"), err)
	}
	s.exited = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // how it ended is in its log
		close(s.exited)
	}()
	if err := s.watch(ctx); err != nil {
		return err
	}
	return s.ready(ctx)
}

func (s *Server) settings(port int, opt Options) []string {
	args := []string{"-D", s.home.data(), "-k", s.home.dir, "-p", strconv.Itoa(port)}
	set := []string{"listen_addresses=", "max_connections=300", "jit=off"}
	if opt.TCP {
		set[0] = "listen_addresses=127.0.0.1"
	}
	if !opt.Fsync {
		set = append(set, "fsync=off", "full_page_writes=off")
	}
	for _, s := range append(set, opt.Extra...) {
		args = append(args, "-c", s)
	}
	return args
}

// watchdog waits for its standard input to end, which also happens when its parent is killed.
const watchdog = `read -r _
kill -INT "$1" 2>/dev/null
i=0
while [ $i -lt 100 ] && [ -e "$2/data/postmaster.pid" ]; do i=$((i+1)); sleep 0.1; done
rm -rf "$2"`

func (s *Server) watch(ctx context.Context) error {
	s.watchdog = exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", watchdog, "purser-pg-watchdog",
		strconv.Itoa(s.cmd.Process.Pid), s.home.dir)
	s.watchdog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, not for it
	stdin, err := s.watchdog.StdinPipe()
	if err != nil {
		return err
	}
	s.leash = stdin
	if err := s.watchdog.Start(); err != nil {
		s.watchdog = nil
		return fmt.Errorf("start the watchdog: %w", err)
	}
	return nil
}

func (s *Server) ready(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.DSN(superuser))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.exited:
			return fmt.Errorf("PostgreSQL ended while starting:\n%s", s.Log())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, s.Log())
		case <-tick.C:
		}
	}
}

// Stop ends the server and removes its folder. It cuts open connections, and leaves a server that was started elsewhere.
func (s *Server) Stop() error {
	if s.kept.TryLock() { // else a call under way is cut with the server
		_ = s.kept.close(context.Background())
		s.kept.Unlock()
	}
	if s.home == nil {
		return nil
	}
	if s.watchdog != nil { // first, so that it never signals a number that is no longer ours
		_ = s.watchdog.Process.Kill()
		_ = s.watchdog.Wait()
	}
	if s.leash != nil {
		_ = s.leash.Close()
	}
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-s.exited:
		case <-time.After(stopTimeout):
			_ = s.cmd.Process.Signal(syscall.SIGQUIT)
			<-s.exited
		}
	}
	return s.home.remove()
}

// Log returns the end of the server's log, for failure messages. It is empty when the server was started elsewhere.
func (s *Server) Log() string {
	if s.home == nil {
		return ""
	}
	text, err := os.ReadFile(s.home.log())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// Addr returns where the server listens, in net.Dial's words, for tests that put a proxy in between. It is a unix socket
// unless Options.TCP was given.
func (s *Server) Addr() (network, address string) {
	if s.base.Host != "" {
		return "tcp", s.base.Host
	}
	q := s.base.Query()
	return "unix", filepath.Join(q.Get("host"), ".s.PGSQL."+q.Get("port"))
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

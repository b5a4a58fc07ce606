//go:build slow

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/guarantee"
)

// traced starts a server on SQLite whose flushes of the log strace writes down. count says how many there were.
func traced(t *testing.T) (s *server, count func() int) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is missing; it shows what reaches the disk: `apt-get install strace`, or your system's equivalent, installs it")
	}
	at := sqlite(t)
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := purser(t, keys, append([]string{"serve", "--listen", "127.0.0.1:0"}, at.args...)...)
	// -D keeps the server our own child, -y names the file of every call.
	cmd.Args = append([]string{
		"strace", "-D", "-f", "-y", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", trace, "--",
	}, cmd.Args...)
	cmd.Path = strace
	return launch(t, cmd), func() int {
		b, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		return flushes(string(b))
	}
}

// flushes counts the calls that ended well. A call that others interrupt in the trace takes two lines, and only the
// first names the file.
func flushes(trace string) (n int) {
	begun := map[string]bool{} // by thread
	for line := range strings.Lines(trace) {
		thread, _, _ := strings.Cut(line, " ")
		ours := strings.Contains(line, "purser.db-wal")
		switch {
		case strings.Contains(line, "<unfinished"):
			begun[thread] = ours
		case strings.Contains(line, "resumed>"):
			ours = begun[thread]
			fallthrough
		default:
			if ours && strings.Contains(line, "= 0") {
				n++
			}
		}
	}
	return n
}

// Between a request and its 2xx lies at least one flush of SQLite's log. A kill cannot show this: it leaves what the
// kernel has not written yet.
func TestSlowDurableBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s, count := traced(t)
	s.demo()
	const provisions = 50
	before := count()
	first := before
	for i := range provisions {
		s.do("POST", "/api/v1/customers", provision{ID: fmt.Sprintf("alone-%d", i), SubscriptionParams: &params{"plan-pro"}}, nil)
		now := count()
		if now == before {
			t.Errorf("provision %d was answered and nothing was flushed", i)
		}
		before = now
	}
	alone := float64(before-first) / provisions
	for i := range provisions {
		s.do("GET", fmt.Sprintf("/api/v1/customers/alone-%d", i), nil, nil)
	}
	if now := count(); now-before >= provisions {
		t.Errorf("%d reads flushed %d times: the count proves nothing about writes", provisions, now-before)
	}
	guarantee.Measured(t, "durable", "SQLite: %.2f flushes for each of %d lone provisions", alone, provisions)
}

// Requests that wait at the same time share a flush.
func TestSlowSharedFlush(t *testing.T) {
	t.Parallel()
	s, count := traced(t)
	s.demo()
	before := count()
	c := newCrowd("shared")
	ctx, enough := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { c.run(ctx, s.URL); close(done) }()
	<-c.enough
	c.more(20 * clients)
	enough()
	<-done
	n := count() - before
	shared := float64(len(c.answers)) / float64(max(1, n))
	if len(c.faults) > 0 || n == 0 || shared < 2 {
		t.Errorf("%d provisions took %d flushes, faults %v; want several provisions per flush", len(c.answers), n, c.faults)
	}
	guarantee.Measured(t, "group", "SQLite: %d provisions of %d clients in %d flushes, %.1f in each", len(c.answers), clients, n, shared)
}

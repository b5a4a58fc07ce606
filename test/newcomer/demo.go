package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// printed is what `make run` tells about itself.
type printed struct {
	url, server, client string
}

// variables are what the README's blocks use.
func (p printed) variables() []string {
	if p.url == "" {
		return nil
	}
	return []string{"PURSER_URL=" + p.url, "PURSER_KEY=" + p.server, "PURSER_CLIENT_KEY=" + p.client}
}

var (
	urlPattern    = regexp.MustCompile(`http://[0-9A-Za-z.\[\]:]+:[0-9]+`)
	serverPattern = regexp.MustCompile(`\bserver-[A-Za-z0-9_-]{25,}`)
	clientPattern = regexp.MustCompile(`\bclient-[A-Za-z0-9_-]{25,}`)
)

// demo is a `make run` in the background.
type demo struct {
	printed
	cmd  *exec.Cmd
	out  *transcript
	done chan struct{} // closed when it has ended
}

const (
	poll = 50 * time.Millisecond
	// quiet is for how long nothing is printed when the text is whole.
	quiet     = 300 * time.Millisecond
	stopLimit = 30 * time.Second
)

// start runs `make run` and waits until it has printed its URL and keys; took is how long that was.
func (v *visit) start(ctx context.Context, script string, limit time.Duration) (d *demo, took time.Duration, err error) {
	d = &demo{out: &transcript{}, done: make(chan struct{})}
	d.cmd = exec.Command("bash", "-euo", "pipefail", "-c", script) //nolint:noctx // ended by stop, with a signal to its group
	d.cmd.Dir, d.cmd.Env = v.file("."), v.env
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, 0, err
	}
	go func() {
		_ = d.cmd.Wait() // how it ended is in its ProcessState
		close(d.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		if d.read() {
			if took == 0 {
				took = time.Since(began)
			}
			if d.out.age() >= quiet {
				return d, took, nil
			}
		}
		select {
		case <-d.done:
			return nil, 0, fmt.Errorf("`make run` ended by itself, %s:\n%s", d.cmd.ProcessState, d.out.tail())
		case <-ctx.Done():
			err := fmt.Errorf("`make run` did not print its URL and keys: %w\n%s", ctx.Err(), d.out.tail())
			return nil, 0, errors.Join(err, d.kill())
		case <-time.After(poll):
		}
	}
}

// read looks for URL and keys in what was printed.
func (d *demo) read() bool {
	text := d.out.String()
	d.printed = printed{urlPattern.FindString(text), serverPattern.FindString(text), clientPattern.FindString(text)}
	return d.url != "" && d.server != "" && d.client != ""
}

// command is the printed curl whose URL has a path; a backslash continues a line.
func (d *demo) command(path *regexp.Regexp) (string, error) {
	text := strings.ReplaceAll(d.out.String(), "\\\n", " ")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "curl ") && path.MatchString(line) {
			return line, nil
		}
	}
	return "", fmt.Errorf("`make run` printed no curl for %s", path)
}

// stop interrupts it as Ctrl-C does and checks that it went quietly and left nothing.
func (d *demo) stop() error {
	before := len(d.out.String())
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGINT)
	select {
	case <-d.done:
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("`make run` did not end within %s of Ctrl-C", stopLimit), d.kill())
	}
	last := d.out.String()[before:]
	if syscall.Kill(-d.cmd.Process.Pid, 0) == nil {
		return errors.Join(errors.New("`make run` left processes behind"), d.kill())
	}
	if u, err := url.Parse(d.url); err == nil {
		dialer := net.Dialer{Timeout: time.Second}
		if conn, err := dialer.DialContext(context.Background(), "tcp", u.Host); err == nil {
			return errors.Join(fmt.Errorf("%s still answers after Ctrl-C", d.url), conn.Close())
		}
	}
	if !interrupted(d.cmd) || strings.Contains(last, "purser:") || strings.Contains(last, "Error") {
		return fmt.Errorf("`make run` did not end well after Ctrl-C, %s:\n%s", d.cmd.ProcessState, last)
	}
	return nil
}

// interrupted reports whether the shell ended as one does when its command was interrupted, or well.
func interrupted(cmd *exec.Cmd) bool {
	s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && s.Signaled() {
		return s.Signal() == syscall.SIGINT
	}
	code := cmd.ProcessState.ExitCode()
	return code == 0 || code == 128+int(syscall.SIGINT)
}

// kill ends the whole group at once.
func (d *demo) kill() error {
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	select {
	case <-d.done:
		return nil
	case <-time.After(stopLimit):
		return errors.New("`make run` cannot be killed")
	}
}

// transcript keeps what a process prints. It is safe for concurrent use.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	last time.Time
}

// Write implements io.Writer.
func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// age is how long ago something was printed.
func (t *transcript) age() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.last)
}

// tail is the end of what was printed.
func (t *transcript) tail() string {
	lines := strings.Split(strings.TrimRight(t.String(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

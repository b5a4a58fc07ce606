package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"
)

// roleArg is how this program calls itself for the process of one side.
const roleArg = "role"

// roles are what such a process can be. A role sends its first reply, answers questions, and ends when they do.
var roles = map[string]func(ctx context.Context, p place, talk *talk) error{
	"serve":           serveRole,
	"hello":           helloRole,
	"check":           checkRole,
	"map":             mapRole,
	"raw-" + sqlite:   rawSQLiteRole,
	"raw-" + postgres: rawPostgresRole,
}

// place is where a role finds its database, and what else it must know.
type place struct {
	Engine string
	Data   string // folder of the SQLite file
	DSN    string
	Body   string // what hello answers

	Customers int // in memory
}

type question struct {
	Do      string // cpu, profile, profiled, round
	File    string
	Plan    string
	Work    string // of a raw transaction; "" for a provision
	Clients int
	Time    time.Duration
}

type reply struct {
	sample
	URL   string
	Heap  float64 // bytes per customer
	Error string
}

// talk is a role's end of the conversation.
type talk struct {
	in   *json.Decoder
	out  *json.Encoder
	stop func()
}

// play runs a role until its standard input ends, which also happens when the parent dies.
func play(role, config string) int {
	var p place
	err := json.Unmarshal([]byte(config), &p)
	if err == nil {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		err = roles[role](ctx, p, &talk{json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout), cancel})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		return 1
	}
	return 0
}

// answer sends the first reply and then answers questions until there are no more. round may be nil.
func (t *talk) answer(first reply, round func(question) (sample, error)) error {
	if err := t.out.Encode(first); err != nil {
		return err
	}
	var profile *os.File
	for {
		var q question
		if err := t.in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var r reply
		var err error
		switch {
		case q.Do == "profile":
			if profile, err = os.Create(q.File); err == nil {
				err = pprof.StartCPUProfile(profile)
			}
		case q.Do == "profiled":
			pprof.StopCPUProfile()
			err = profile.Close()
		case q.Do == "round" && round != nil:
			r.sample, err = round(q)
		}
		r.CPU = cpuTime()
		if err != nil {
			r.Error = err.Error()
		}
		if err := t.out.Encode(r); err != nil {
			return err
		}
	}
}

// cpuTime is what this process has used, in seconds.
func cpuTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// child is the parent's end.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
	log *os.File

	first reply
	URL   string
}

// spawn starts a role; wrap is a command to run it under.
func (b *bench) spawn(role string, p place, wrap ...string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	b.n++
	c := &child{}
	if c.log, err = os.Create(filepath.Join(b.dir, fmt.Sprintf("%s-%d.log", role, b.n))); err != nil {
		return nil, err
	}
	args := append(append([]string{}, wrap...), exe, roleArg, role, string(config))
	c.cmd = exec.CommandContext(context.Background(), args[0], args[1:]...) // it ends when its input does
	c.cmd.Stderr = c.log
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if err := c.out.Decode(&c.first); err != nil {
		return nil, c.failed(fmt.Errorf("start: %w", err))
	}
	c.URL = c.first.URL
	return c, nil
}

func (c *child) ask(q question) (sample, error) {
	var r reply
	err := json.NewEncoder(c.in).Encode(q)
	if err == nil {
		err = c.out.Decode(&r)
	}
	if err != nil {
		return r.sample, c.failed(err)
	}
	if r.Error != "" {
		return r.sample, errors.New(r.Error)
	}
	return r.sample, nil
}

// failed adds the end of the child's log.
func (c *child) failed(err error) error {
	_ = c.in.Close()
	err = errors.Join(err, c.cmd.Wait())
	text, _ := os.ReadFile(c.log.Name())
	return fmt.Errorf("%s: %w\n%s", c.cmd.Args[len(c.cmd.Args)-2], err, text[max(0, len(text)-2000):])
}

// stop ends the role and waits for it.
func (c *child) stop() error {
	_ = c.in.Close()
	err := c.cmd.Wait()
	return errors.Join(err, c.log.Close())
}

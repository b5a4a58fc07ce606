package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Files of a data directory.
const (
	databaseFile = "purser.db"
	lockFile     = "purser.lock"
	socketFile   = "purser.sock"
	demoFile     = "demo.env"
)

// maxSocketPath is what every system takes as the path of a socket.
const maxSocketPath = 100

// errLocked is what a second process gets.
var errLocked = errors.New("the data directory is in use")

// dataDir is a data directory that this process has locked: the writer, the caches and the order of the feed are one
// process' matter (storage.md 2.7).
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the directory, if need be, and locks it.
func openDataDir(path string) (*dataDir, error) {
	if path == "" {
		return nil, errors.New("no data directory: give --data DIR or --database URL")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(abs, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: another purser runs on %s; stop it, or give this one another --data", errLocked, abs)
		}
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	return &dataDir{abs, lock}, nil
}

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

func (d *dataDir) close() error {
	if d == nil {
		return nil
	}
	return d.lock.Close() // closing gives the lock up
}

// listen opens the directory's socket, for commands of the same user. One that an earlier process left is removed:
// nobody else can own it while we hold the lock.
func (d *dataDir) listen() (net.Listener, error) {
	path := socketPath(d.path)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path %s is too long for a socket", path)
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// socketPath is the shortest name of the socket.
func socketPath(dir string) string {
	abs := filepath.Join(dir, socketFile)
	if len(abs) <= maxSocketPath {
		return abs
	}
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, abs); err == nil && len(rel) < len(abs) && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return abs
}

package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
)

const (
	homePrefix = "purser-pg-"
	lockName   = "owner.lock"
	// A socket's path has room for 103 bytes on macOS, 107 on Linux.
	longestDir = 103 - len("/"+homePrefix+"0123456789/.s.PGSQL.65535")
)

// home is the folder of one server: data, socket, log, and a lock that its owner holds while it lives.
type home struct {
	dir  string
	lock *os.File
	as   *syscall.Credential // who runs PostgreSQL; nil is ourselves
}

func (h *home) data() string { return filepath.Join(h.dir, "data") }
func (h *home) log() string  { return filepath.Join(h.dir, "log") }

// newHome makes a folder after removing those whose owners are dead.
func newHome() (*home, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	tmp := tempDir(as != nil)
	sweep(tmp)
	dir, err := os.MkdirTemp(tmp, homePrefix)
	if err != nil {
		return nil, err
	}
	h := &home{dir: dir, as: as}
	if h.lock, err = lockFile(filepath.Join(dir, lockName), false); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, errors.Join(err, h.remove())
		}
	}
	return h, nil
}

func (h *home) remove() error {
	return errors.Join(os.RemoveAll(h.dir), h.lock.Close())
}

// prepare makes cmd run inside the folder, as the right user, away from our terminal and without PG… settings.
func (h *home) prepare(cmd *exec.Cmd) {
	cmd.Dir = h.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: h.as}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "LC_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
}

// unprivileged returns whom to become, because PostgreSQL refuses to run as root; nil for anybody else.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"nobody", superuser} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseInt(u.Uid, 10, 64) // macOS has nobody as -2
		if err != nil {
			continue
		}
		gid, err := strconv.ParseInt(u.Gid, 10, 64)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user nobody or postgres to run it as")
}

// tempDir is the system's folder for temporary files, unless its path is too long for a socket or others may not enter it.
func tempDir(others bool) string {
	dir := os.TempDir()
	if len(dir) > longestDir || (others && !enterable(dir)) {
		return "/tmp"
	}
	return dir
}

// enterable says whether every user may enter path, or the deepest part of it that exists.
func enterable(path string) bool {
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return false
		}
		if err == nil && info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// sweep removes folders that were left behind. It is best effort: what it may not remove belongs to somebody else.
func sweep(tmp string) {
	dirs, _ := filepath.Glob(filepath.Join(tmp, homePrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		// A young folder may not be locked yet.
		if err != nil || !info.IsDir() || (clock.System{}).Now().Sub(info.ModTime()) < time.Minute {
			continue
		}
		lock, err := lockFile(filepath.Join(dir, lockName), false)
		if err != nil {
			continue
		}
		_ = os.RemoveAll(dir) // a postmaster that still runs ends when it misses its files
		_ = lock.Close()
	}
}

// lockFile opens or makes path and takes its lock, which ends with the file or with the process.
func lockFile(path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

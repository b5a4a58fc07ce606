package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// visit is a newcomer's machine: a folder with the repository, a home and a few tools, and an environment that knows
// nothing else of this one.
type visit struct {
	dir    string
	source string // what was copied, for people
	env    []string
	hosts  []string // of mirrors, to be kept out of what is printed
	first  printed  // what the first start printed
}

func (v *visit) file(name string) string { return filepath.Join(v.dir, "purser", name) }

// arrive makes the folder and copies the repository into it.
func arrive(ctx context.Context, o options) (_ *visit, err error) {
	root, err := output(ctx, ".", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	v := &visit{}
	if v.dir, err = os.MkdirTemp("", "purser-newcomer-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.leave())
		}
	}()
	if v.dir, err = filepath.EvalSymlinks(v.dir); err != nil {
		return nil, err
	}
	if err := v.copy(ctx, root, o.tree); err != nil {
		return nil, err
	}
	v.env = v.environment(ctx, o.warm)
	return v, v.wrapCurl()
}

func (v *visit) copy(ctx context.Context, root string, tree bool) error {
	if tree {
		v.source = "the working tree"
		return copyTree(ctx, root, v.file("."))
	}
	if _, err := output(ctx, ".", "git", "clone", "--quiet", "--no-hardlinks", root, v.file(".")); err != nil {
		return err
	}
	head, err := output(ctx, v.file("."), "git", "rev-parse", "--short", "HEAD")
	v.source = "HEAD (" + head + ")"
	return err
}

// copyTree copies what is tracked or new, and not ignored.
func copyTree(ctx context.Context, from, to string) error {
	names, err := output(ctx, from, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimRight(names, "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // deleted, or a link
		} else if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, b, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// Settings that say where packages come from: a newcomer behind a mirror has them too.
var goSettings = []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOFLAGS", "GOTOOLCHAIN"}

// environment is what the newcomer's commands see. With warm the real home stays.
func (v *visit) environment(ctx context.Context, warm bool) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		for _, p := range []string{"PURSER_", "PG", "GIT_", "MAKE", "MFLAGS"} {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
		return false
	})
	env = append(env, "NEWCOMER_HEADERS="+v.headers(), "PATH="+v.bin()+string(os.PathListSeparator)+os.Getenv("PATH"))
	env = append(env, v.mirrors(ctx)...)
	if warm {
		return env
	}
	home := filepath.Join(v.dir, "home")
	return append(env, "HOME="+home, "GOPATH="+filepath.Join(home, "go"), "GOMODCACHE="+filepath.Join(home, "go", "pkg", "mod"),
		"GOCACHE="+filepath.Join(home, "go-build"), "XDG_CACHE_HOME="+filepath.Join(home, ".cache"),
		"XDG_CONFIG_HOME="+filepath.Join(home, ".config"), "npm_config_cache="+filepath.Join(home, ".npm"))
}

// mirrors reads where Go and npm get their packages from, and notes the hosts.
func (v *visit) mirrors(ctx context.Context) (env []string) {
	settings := map[string]string{}
	if out, err := output(ctx, ".", "go", append([]string{"env", "-json"}, goSettings...)...); err == nil {
		_ = json.Unmarshal([]byte(out), &settings)
	}
	if out, err := output(ctx, ".", "npm", "config", "get", "registry"); err == nil && strings.HasPrefix(out, "http") {
		settings["npm_config_registry"] = out
	}
	for name, value := range settings {
		if value == "" {
			continue
		}
		env = append(env, name+"="+value)
		for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
			if u, err := url.Parse(part); err == nil && u.Hostname() != "" {
				v.hosts = append(v.hosts, u.Hostname())
			}
		}
	}
	return env
}

func (v *visit) bin() string     { return filepath.Join(v.dir, "bin") }
func (v *visit) headers() string { return filepath.Join(v.dir, "headers") }

// wrapCurl puts a curl before the real one on the PATH that also notes the answer's status.
func (v *visit) wrapCurl() error {
	curl, err := exec.LookPath("curl")
	if err != nil {
		return errors.New("the README uses curl, and there is none on the PATH")
	}
	if err := errors.Join(os.MkdirAll(v.bin(), 0o755), os.MkdirAll(filepath.Join(v.dir, "home"), 0o755)); err != nil {
		return err
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' -D \"$NEWCOMER_HEADERS\" \"$@\"\n", curl)
	return os.WriteFile(filepath.Join(v.bin(), "curl"), []byte(script), 0o755)
}

// leave removes everything. The module cache is read-only, so it is made writable first.
func (v *visit) leave() error {
	err := filepath.WalkDir(v.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(v.dir))
}

// hide takes names of mirrors out of an error.
func (v *visit) hide(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, h := range v.hosts {
		text = strings.ReplaceAll(text, h, "mirror")
	}
	return errors.New(text)
}

// output runs a command of the real environment and returns what it wrote, without the last line break.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(errOut.Bytes()))
	}
	return strings.TrimRight(string(out), "\n"), nil
}

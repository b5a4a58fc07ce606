package pgserver

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type entry struct {
	name string
	mode int64
	text string
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive := tgz(
		t,
		entry{"package/native/bin/initdb", 0o755, "#!/bin/sh\n"},
		entry{"package/native/lib/libpq.so.5.18", 0o644, "library"},
		entry{"package/native/share/postgresql/timezone/UTC", 0o600, "zone"},
		entry{"package/scripts/install.js", 0o644, "left out"},
		entry{"package/native/pg-symlinks.json", 0o644, `[
			{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so"},
			{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so"},
			{"source":"native/share/postgresql","target":"native/etc/share"}]`},
	)
	if err := unpack(archive, dir); err != nil {
		t.Fatal(err)
	}

	got := map[string]string{}
	for _, name := range []string{"bin/initdb", "lib/libpq.so.5.18", "share/postgresql/timezone/UTC", "lib/libpq.so", "etc/share/timezone/UTC"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = info.Mode().String() + " " + string(text)
	}
	want := map[string]string{
		"bin/initdb":                    "-rwxr-xr-x #!/bin/sh\n",
		"lib/libpq.so.5.18":             "-rw-r--r-- library",
		"share/postgresql/timezone/UTC": "-rw-r--r-- zone",
		"lib/libpq.so":                  "-rw-r--r-- library",
		"etc/share/timezone/UTC":        "-rw-r--r-- zone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unpacked (-want +got):\n%s", diff)
	}
	if target, err := os.Readlink(filepath.Join(dir, "etc/share")); err != nil || target != "../share/postgresql" {
		t.Errorf("link = %q, %v; want a relative one, so that the folder can move", target, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "scripts")); err == nil {
		t.Error("scripts were unpacked, want the native part only")
	}
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string][]entry{
		"a file outside":   {{"package/native/../../../escaped", 0o644, "x"}},
		"a link outside":   {{"package/native/pg-symlinks.json", 0o644, `[{"source":"native/../../escaped","target":"native/lib/x"}]`}},
		"a link to itself": {{"package/native/pg-symlinks.json", 0o644, `[{"source":"native/x","target":"native/x"}]`}},
		"a list that is no JSON": {
			{"package/native/pg-symlinks.json", 0o644, "not JSON"},
		},
	}
	for name, entries := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			dir := filepath.Join(parent, "in", "here")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(parent, "in", "escaped"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := unpack(tgz(t, entries...), dir); err == nil {
				t.Error("got no error")
			}
			if _, err := os.Stat(filepath.Join(parent, "escaped")); err == nil {
				t.Error("a file was written outside the folder")
			}
		})
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "archive.tgz")
	if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	const abc = "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="
	if err := verify(file, abc); err != nil {
		t.Error(err)
	}
	if err := verify(file, "other"); err == nil || !strings.Contains(err.Error(), abc) {
		t.Errorf("got error %v, want one that shows what the archive has", err)
	}
}

func tgz(t *testing.T, entries ...entry) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "package.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	zw := gzip.NewWriter(f)
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		if err := tw.WriteHeader(&tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, close := range []func() error{tw.Close, zw.Close, f.Close} {
		if err := close(); err != nil {
			t.Fatal(err)
		}
	}
	return f.Name()
}

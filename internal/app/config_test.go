package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFileEnv(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		env   map[string]string
		value string
		ok    bool
		fails bool
	}{
		{"nothing", nil, "", false, false},
		{"the variable alone", map[string]string{"PURSER_X": "y"}, "", false, false},
		{"the file", map[string]string{"PURSER_X_FILE": path}, "s3cret", true, false},
		{"both", map[string]string{"PURSER_X": "y", "PURSER_X_FILE": path}, "", false, true},
		{"no such file", map[string]string{"PURSER_X_FILE": path + "x"}, "", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			value, ok, err := FileEnv("PURSER_X")
			if value != tt.value || ok != tt.ok || (err != nil) != tt.fails {
				t.Errorf("got %q %t %v", value, ok, err)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"": true, "127.0.0.1:8080": true, "127.9.9.9:1": true, "[::1]:80": true, "localhost:80": true, "LOCALHOST:80": true,
		":8080": false, "0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "example.com:80": false, "nonsense": false,
	} {
		if got := loopback(address); got != want {
			t.Errorf("%q: got %t", address, got)
		}
	}
}

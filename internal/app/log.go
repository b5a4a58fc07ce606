package app

import (
	"io"
	"log/slog"
	"os"
)

// logger writes structured lines to standard error. Standard output is for keys, addresses and answers.
func (l Logging) logger() *slog.Logger { return l.loggerTo(os.Stderr) }

func (l Logging) loggerTo(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

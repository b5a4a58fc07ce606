package main

import (
	"context"
	_ "embed" // what is printed
	"io"
	"os"
	"regexp"
	"strings"
	"text/template"

	"github.com/purserhq/purser/internal/app"
)

type demoCmd struct {
	Data        string `help:"Data directory; ${default} unless given." default:"data" placeholder:"DIR"`
	Listen      string `help:"Address to listen on; a busy port makes way for the next free one. ${default} unless given." default:"127.0.0.1:8080" placeholder:"ADDRESS"`
	AdminListen string `help:"Address for /metrics and profiles; a free loopback port unless given." placeholder:"ADDRESS"`
	LogLevel    string `help:"Least severe level that is logged: debug, info, warn or error; ${default} unless given." enum:"debug,info,warn,error" default:"warn" placeholder:"LEVEL"`
	LogFormat   string `help:"Format of log lines: text or json; ${default} unless given." enum:"text,json" default:"text" placeholder:"FORMAT"`
}

//go:embed demo.txt
var demoText string

var demoTemplate = template.Must(template.New("demo").Parse(demoText))

// Run serves the demo and prints how to use it.
func (c demoCmd) Run(ctx context.Context, out io.Writer) error {
	d, err := app.StartDemo(ctx, app.Config{
		Place: app.Place{Data: c.Data}, Logging: app.Logging{LogLevel: c.LogLevel, LogFormat: c.LogFormat},
		Listen: c.Listen, AdminListen: c.AdminListen, Version: versionText(),
	})
	if err != nil {
		return err
	}
	text := struct {
		*app.Demo
		Command string // as the user typed it
		At      string // the flag that finds this demo, if it takes one
	}{d, quote(os.Args[0]), dataFlag(c.Data)}
	return d.Serve(ctx, func() { _ = demoTemplate.Execute(out, text) })
}

const defaultData = "data"

func dataFlag(data string) string {
	switch {
	case data == defaultData:
		return ""
	case strings.HasPrefix(data, "-"):
		return " --data=" + quote(data)
	}
	return " --data " + quote(data)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]+$`)

// quote makes one word of a shell's command line.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

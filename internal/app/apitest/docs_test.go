package apitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestSubscriptionExamples(t *testing.T) { examples(t, "subscriptions.md", 20, nil) }

func TestUsageExamples(t *testing.T) { examples(t, "usage.md", 8, func(s *server) { s.demo() }) }

// examples sees that what a document shows is what happens: its blocks of sh are carried out one after another, and a
// block of json must be a part of the answer to the last command before it.
func examples(t *testing.T, document string, least int, prepare func(*server)) {
	b, err := os.ReadFile("../../../docs/" + document)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := fenced(string(b))
	if err != nil || len(blocks) < least {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	each(t, func(t *testing.T, s *server) {
		if prepare != nil {
			prepare(s)
		}
		d := docs{s, nil}
		for _, block := range blocks {
			if block.lang == "sh" {
				d.last = nil
				for _, line := range commands(block.text) {
					d.run(line)
				}
				continue
			}
			var shown any
			if err := json.Unmarshal([]byte(block.text), &shown); err != nil {
				t.Fatalf("%v in\n%s", err, block.text)
			}
			if d.last == nil {
				t.Fatalf("nothing was askIn that answers\n%s", block.text)
			}
			if at, ok := part(d.last.tree, shown, ""); !ok {
				t.Errorf("%s answers otherwise than is shown, at %q:\n%s\n%s", d.last.call, at, block.text, d.last.raw)
			}
		}
		s.sound()
	})
}

// docs carries out commands as documents show them.
type docs struct {
	*server
	last *answer
}

func (d *docs) run(line string) {
	d.t.Helper()
	if line == askIn {
		return
	}
	words, err := shellWords(line)
	if err != nil {
		d.t.Fatalf("%v: %s", err, line)
	}
	switch {
	case words[0] == "ask":
		d.last = d.ask(words[1:])
	case strings.HasPrefix(line, "bin/purser clock "):
		d.put(testClock, fmt.Sprintf(`{"now":%q}`, words[2])).want(200)
	case strings.HasPrefix(line, "bin/purser catalog apply "):
		d.example(path.Base(words[len(words)-1]))
	default:
		d.t.Fatalf("the test cannot do this: %s", line)
	}
}

// askIn is the function around curl that the document has its readers define.
const askIn = `ask() { curl -s -X "$1" "$PURSER_URL/api/v1$2" -H "X-API-KEY: $PURSER_KEY" -H 'Content-Type: application/json' ${3:+-d "$3"} "${@:4}"; }`

// ask does what that function does: a method, a path, a body, and headers with -H.
func (d *docs) ask(words []string) *answer {
	d.t.Helper()
	words = append(words, make([]string, max(0, 3-len(words)))...)
	var head []string
	for i := 3; i+1 < len(words); i += 2 {
		name, value, _ := strings.Cut(words[i+1], ": ")
		head = append(head, name, value)
	}
	return d.do(words[0], "/api/v1"+words[1], words[2], head...)
}

// block is a fenced piece of a document.
type block struct{ lang, text string }

func fenced(text string) (list []block, err error) {
	for {
		_, rest, ok := strings.Cut(text, "\n```")
		if !ok {
			return list, nil
		}
		lang, rest, _ := strings.Cut(rest, "\n")
		inside, rest, ok := strings.Cut(rest, "\n```\n")
		if !ok {
			return list, errors.New("a block has no end")
		}
		if lang == "sh" || lang == "json" {
			list = append(list, block{lang, inside})
		}
		text = "\n" + rest
	}
}

// commands are the lines of a script; a backslash continues one.
func commands(script string) (list []string) {
	for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// shellWords splits a command: quotes of both kinds, and nothing else that a shell knows.
func shellWords(line string) (list []string, err error) {
	var word strings.Builder
	var quote rune
	inside := false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inside = r, true
		case quote == 0 && r == ' ':
			if inside {
				list = append(list, word.String())
			}
			word.Reset()
			inside = false
		default:
			word.WriteRune(r)
			inside = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is open")
	}
	if inside {
		list = append(list, word.String())
	}
	return list, nil
}

// part reports whether all that is shown is in what came, and else where it is not. Lists have equal lengths; … in a text
// stands for anything.
func part(got, shown any, at string) (string, bool) {
	switch s := shown.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for name, v := range s {
			member, there := g[name]
			if !ok || !there {
				return at + "." + name, false
			}
			if where, ok := part(member, v, at+"."+name); !ok {
				return where, false
			}
		}
		return "", ok
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(s) {
			return at, false
		}
		for i := range s {
			if where, ok := part(g[i], s[i], fmt.Sprintf("%s.%d", at, i)); !ok {
				return where, false
			}
		}
		return "", true
	case string:
		text, ok := got.(string)
		pattern := strings.ReplaceAll(regexp.QuoteMeta(s), "…", ".*")
		return at, ok && regexp.MustCompile("^(?s:"+pattern+")$").MatchString(text)
	}
	return at, reflect.DeepEqual(got, shown)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// blockLimit is how long one block of the README may take.
const blockLimit = 2 * time.Minute

// answer is what a block brought.
type answer struct {
	status int // of the last curl; 0 without one
	text   string
	data   any // the text as JSON; nil when it is none
}

// do runs a script as a newcomer's shell would, but stops at the first failure.
func (v *visit) do(ctx context.Context, p printed, script string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, blockLimit)
	defer cancel()
	_ = os.Remove(v.headers())
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = v.file("."), append(v.env[:len(v.env):len(v.env)], p.variables()...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return answer{}, fmt.Errorf("%w\n%s%s", err, out.String(), errOut.String())
	}
	a := answer{status: v.status(), text: out.String()}
	_ = json.Unmarshal(out.Bytes(), &a.data)
	return a, nil
}

// status reads what the wrapped curl noted.
func (v *visit) status() int {
	b, err := os.ReadFile(v.headers())
	fields := strings.Fields(string(b))
	if err != nil || len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}

// sameKeys checks that the block that sets the variables sets them to what was printed.
func (v *visit) sameKeys(ctx context.Context, script string, p printed) error {
	a, err := v.do(ctx, printed{}, script+"\n"+`printf '%s\n' "$PURSER_URL" "$PURSER_KEY" "$PURSER_CLIENT_KEY"`)
	if err != nil {
		return fmt.Errorf("block \"keys\": %w", err)
	}
	if strings.Join([]string{p.url, p.server, p.client}, "\n") != strings.TrimSpace(a.text) {
		return fmt.Errorf("block \"keys\": it does not set what `make run` printed")
	}
	return nil
}

// step is a block of the README and what must come of it, besides what the README itself shows.
type step struct {
	name   string
	path   *regexp.Regexp // of the curl that `make run` prints for it
	status int            // 0 for no curl
	other  int            // the status when it is done a second time; 0 for the same
	want   map[string]any // values by path, see dig
	match  string         // of the text
}

// anything is a value that is there and not empty.
type anything struct{}

// steps are the blocks after `make run`, in the README's order.
var steps = []step{
	{
		name: "provision", path: regexp.MustCompile(`/api/v1/customers['" ]`), status: 201, other: 200,
		want: map[string]any{
			"data.subscription.status": "ACTIVE", "data.subscription.planId": "plan-basic",
			"data.subscriptionDecisionStrategy": "REQUESTED_PLAN", "data.decision.steps": anything{},
		},
	},
	{
		name: "check", path: regexp.MustCompile(`/entitlements/check\?`), status: 200,
		want: map[string]any{"data.isGranted": true},
	},
	{
		name: "journey", status: 200,
		want: map[string]any{
			"data.productSettings.subscriptionStartSetup": "TRIAL_PERIOD", "data.productSettings.subscriptionStartPlanId": "plan-pro",
			"data.productSettings.subscriptionEndSetup": "DOWNGRADE_TO_FREE", "data.productSettings.downgradePlanId": "plan-free",
		},
	},
	{
		name: "trial", status: 201,
		want: map[string]any{
			"data.subscription.status": "IN_TRIAL", "data.subscription.planId": "plan-pro",
			"data.subscriptionDecisionStrategy": "PREDEFINED_TRIAL_PLAN", "data.decision.steps": anything{},
		},
	},
	{name: "clock", match: `\(test time\)`},
	{
		name: "after", status: 200,
		want: map[string]any{
			"data.#": 2.0, "data.0.planId": "plan-pro", "data.0.status": "EXPIRED", "data.1.planId": "plan-free", "data.1.status": "ACTIVE",
		},
	},
	{name: "usage", status: 201, want: map[string]any{"data.0.currentUsage": 1000.0}},
	{
		name: "limit", status: 200,
		want: map[string]any{"data.isGranted": false, "data.accessDeniedReason": "RequestedUsageExceedingLimit", "data.currentUsage": 1000.0},
	},
	{name: "why", match: `Denied: .*more than the limit 1000`},
	{name: "month", match: `\(test time\)`},
	{name: "again", status: 200, want: map[string]any{"data.isGranted": true, "data.currentUsage": 1.0}},
	{name: "customer", status: 201},
	{
		name: "preview", status: 200,
		want: map[string]any{"data.immediateInvoice.total": 49.0, "data.hasScheduledUpdates": false},
	},
	{
		name: "upgrade", status: 201,
		want: map[string]any{"data.id": "subscription-demo-03", "data.subscription.planId": "plan-pro", "data.subscription.status": "ACTIVE"},
	},
	{
		name: "schedule", status: 201,
		want: map[string]any{"data.isScheduled": true, "data.id": "subscription-demo-03", "data.subscription.futureUpdates.0.planId": "plan-basic"},
	},
	{
		name: "cancel", status: 200,
		want: map[string]any{"data.status": "ACTIVE", "data.cancellationDate": anything{}, "data.futureUpdates.#": 0.0},
	},
	{name: "month", match: `\(test time\)`},
	{
		name: "ended", status: 200,
		want: map[string]any{"data.#": 3.0, "data.1.planId": "plan-pro", "data.1.status": "CANCELED", "data.2.planId": "plan-free", "data.2.status": "ACTIVE"},
	},
	{name: "export", match: `^$`},
	{name: "edit", match: `plan-pro gets a new version in force(?s:.*)49 usd and becomes 59 usd(?s:.*)1 change would be made|No changes`},
	{name: "apply", match: `1 change was made|No changes`},
	{
		name: "table", status: 200,
		want: map[string]any{"data.plans.#": 3.0, "data.plans.2.id": "plan-pro", "data.plans.2.prices.0.price.amount": 59.0},
	},
}

// check compares an answer with what must be in it and with what the README shows.
func (s step) check(a answer, shown any) error { return s.compare(a, shown, s.status) }

// again is check for a step that was done before.
func (s step) again(a answer, shown any) error {
	if s.other != 0 {
		return s.compare(a, shown, s.other)
	}
	return s.compare(a, shown, s.status)
}

func (s step) compare(a answer, shown any, status int) error {
	if a.status != status {
		return fmt.Errorf("status %d, want %d: %s", a.status, status, a.text)
	}
	for path, want := range s.want {
		got := dig(a.data, path)
		if _, whatever := want.(anything); whatever {
			if got == nil || reflect.ValueOf(got).IsZero() || reflect.DeepEqual(got, []any{}) {
				return fmt.Errorf("there is nothing at %s in %s", path, a.text)
			}
		} else if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%s is %v, want %v in %s", path, got, want, a.text)
		}
	}
	if ok, err := regexp.MatchString(s.match, a.text); err != nil || !ok {
		return fmt.Errorf("it printed %q, want %s", a.text, s.match)
	}
	if path, ok := contains(a.data, shown, ""); !ok {
		return fmt.Errorf("the README shows %v at %q, the answer has %v", dig(shown, path), path, dig(a.data, path))
	}
	return nil
}

// dig finds a value by a path of names and indexes; # is the length of a list.
func dig(v any, path string) any {
	if path == "" {
		return v
	}
	for name := range strings.SplitSeq(path, ".") {
		switch t := v.(type) {
		case map[string]any:
			v = t[name]
		case []any:
			i, err := strconv.Atoi(name)
			if name == "#" {
				v = float64(len(t))
			} else if err != nil || i < 0 || i >= len(t) {
				return nil
			} else {
				v = t[i]
			}
		default:
			return nil
		}
	}
	return v
}

// contains reports whether everything that is shown is in what came, and else where it is not. Lists have equal lengths;
// a whole of nil is no answer shown.
func contains(got, shown any, path string) (string, bool) {
	switch s := shown.(type) {
	case nil:
		return path, path == "" || got == nil
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return path, false
		}
		for name, v := range s {
			member, there := g[name]
			if !there {
				return join(path, name), false
			}
			if where, ok := contains(member, v, join(path, name)); !ok {
				return where, false
			}
		}
		return "", true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(s) {
			return path, false
		}
		for i := range s {
			if where, ok := contains(g[i], s[i], join(path, strconv.Itoa(i))); !ok {
				return where, false
			}
		}
		return "", true
	}
	return path, same(got, shown)
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// same compares two values; … in a text that is shown stands for anything.
func same(got, shown any) bool {
	text, isText := got.(string)
	pattern, short := shown.(string)
	if !isText || !short || !strings.Contains(pattern, "…") {
		return reflect.DeepEqual(got, shown)
	}
	pattern = strings.ReplaceAll(regexp.QuoteMeta(pattern), "…", ".*")
	ok, err := regexp.MatchString("^(?s:"+pattern+")$", text)
	return err == nil && ok
}

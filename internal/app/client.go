package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/api/problem"
)

// clientTimeout bounds one call: a server may take 30 s for its part.
const clientTimeout = 40 * time.Second

// noRedirects keeps the key from a server that was not named.
var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Client speaks to a server over REST, as a command does.
type Client struct {
	URL string `help:"URL of a server; that of the demo in the data directory unless given." placeholder:"URL"`
	Key string `help:"Server key; that of the demo in the data directory unless given, for the demo's URL alone." placeholder:"KEY" secret:""`
}

// Or fills in what was not said from the demo in a data directory; the demo's key for the demo's URL alone.
func (c Client) Or(data string) (Client, error) {
	if c.URL != "" && c.Key != "" {
		return c, nil
	}
	demo, err := readDemo(filepath.Join(data, demoFile))
	none := errors.Is(err, os.ErrNotExist)
	switch {
	case none && c.URL == "":
		return c, fmt.Errorf("no server was named and there is no demo in %s: give --url and --key", data)
	case err != nil && !none:
		return c, err
	case c.URL == "" && demo.url == "":
		return c, fmt.Errorf("the demo in %s has not been started: run `purser demo`, or give --url and --key", data)
	case c.URL == "":
		c.URL = demo.url
	case strings.TrimRight(c.URL, "/") != demo.url: // its key is nobody else's business
		return c, fmt.Errorf("%s is not the URL of the demo in %s: give --key", c.URL, data)
	}
	if c.Key == "" {
		c.Key = demo.keys.BootstrapServerKey
	}
	return c, nil
}

// Refused is an answer of a server that is no success.
type Refused struct {
	Status int
	problem.ErrorBody
}

// Error is the server's message and every bad field.
func (r *Refused) Error() string {
	if r.Message == "" {
		return fmt.Sprintf("the server answered with status %d", r.Status)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)", r.Message, r.Code)
	if len(r.Details) > 1 {
		for _, f := range r.Details {
			fmt.Fprintf(&b, "; %s: %s", f.Path, f.Issue)
		}
	}
	return b.String()
}

// Do sends one request with a JSON body (nil for none) and returns the answer's body. The error is *Refused when the
// server said no.
func (c Client) Do(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("%q is no URL of a server; it looks like http://127.0.0.1:8080", c.URL)
	}
	var send io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		send = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.URL, "/")+path, send)
	if err != nil {
		return nil, err
	}
	req.Header.Set(auth.Header, c.Key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := noRedirects.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be reached: %w", c.URL, reason(err))
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= http.StatusMultipleChoices && res.StatusCode < http.StatusBadRequest {
		return nil, fmt.Errorf("%s redirects to %.200q: give the URL of the server itself as --url", c.URL, res.Header.Get("Location"))
	}
	if res.StatusCode >= http.StatusBadRequest {
		r := &Refused{Status: res.StatusCode}
		_ = json.Unmarshal(answer, &r.ErrorBody)
		return nil, r
	}
	return answer, nil
}

// reason drops the method and the URL that net/http puts before an error.
func reason(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// data is Do for an answer in {"data": …}.
func data[O any](ctx context.Context, c Client, method, path string, body any) (out O, err error) {
	answer, err := c.Do(ctx, method, path, body)
	if err != nil {
		return out, err
	}
	envelope := struct{ Data *O }{&out}
	return out, json.Unmarshal(answer, &envelope)
}

// TestClock is an environment's time as the API shows it.
type TestClock struct {
	Now  time.Time `json:"now"`
	Mode string    `json:"mode"`
	Task string    `json:"taskId,omitempty"` // the move takes long
}

const (
	clockPath = "/api/v1/test-clock"
	taskPoll  = time.Second
)

// Clock reads the environment's time.
func (c Client) Clock(ctx context.Context) (TestClock, error) {
	return data[TestClock](ctx, c, http.MethodGet, clockPath, nil)
}

// SetClock moves the test clock forward and waits until it is there.
func (c Client) SetClock(ctx context.Context, now time.Time) (TestClock, error) {
	return c.moved(ctx, http.MethodPut, map[string]time.Time{"now": now})
}

// RealClock returns to real time.
func (c Client) RealClock(ctx context.Context) (TestClock, error) {
	return c.moved(ctx, http.MethodDelete, nil)
}

func (c Client) moved(ctx context.Context, method string, body any) (TestClock, error) {
	tc, err := data[TestClock](ctx, c, method, clockPath, body)
	if err != nil || tc.Task == "" {
		return tc, err
	}
	for {
		task, err := data[struct{ Status string }](ctx, c, http.MethodGet, "/api/v1/tasks/"+url.PathEscape(tc.Task), nil)
		switch {
		case err != nil:
			return tc, err
		case task.Status == "COMPLETED":
			return c.Clock(ctx)
		case task.Status != "PENDING" && task.Status != "IN_PROGRESS":
			return tc, fmt.Errorf("the move of the clock ended as %s; see the server's log", task.Status)
		}
		sleep(ctx, taskPoll)
		if ctx.Err() != nil {
			return tc, ctx.Err()
		}
	}
}

package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
)

var errNoCard = errs.New(errs.Conflict, "CustomerHasNoPaymentMethod", "The customer has no payment method.")

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		err        error
		status     int
		code       string
		message    string
		details    []errs.Field
		retry      string
		retryAfter string
	}{
		{"shape", errs.BadUserInput.At("id", "must not be empty"), 400, "BadUserInput", "must not be empty", []errs.Field{{Path: "id", Issue: "must not be empty"}}, "", ""},
		{"wrapped", fmt.Errorf("renew: %w", errs.TaskNotFound), 404, "TaskNotFound", errs.TaskNotFound.Message, nil, "", ""},
		{"no key", errs.NoKey, 401, "Unauthenticated", errs.NoKey.Message, nil, "", ""},
		{"forbidden", errs.IdentityForbidden, 403, "IdentityForbidden", errs.IdentityForbidden.Message, nil, "", ""},
		{"too large", errs.PayloadTooLarge, 413, "PayloadTooLarge", errs.PayloadTooLarge.Message, nil, "", ""},
		{"media type", errs.UnsupportedMediaType, 415, "UnsupportedMediaType", errs.UnsupportedMediaType.Message, nil, "", ""},
		{"resync", errs.FeedResync, 410, "FeedResync", errs.FeedResync.Message, nil, "", ""},
		{"payment", errNoCard, 402, "CustomerHasNoPaymentMethod", errNoCard.Message, nil, "", ""},
		{"final conflict", errs.Duplicated, 409, "DuplicatedEntityNotAllowed", errs.Duplicated.Message, nil, "false", ""},
		{"conflict that passes", errs.Duplicated.After(1200 * time.Millisecond), 409, "DuplicatedEntityNotAllowed", errs.Duplicated.Message, nil, "", "2"},
		{"too many", errs.RateLimitExceeded.After(time.Second), 429, "RateLimitExceeded", errs.RateLimitExceeded.Message, nil, "", "1"},
		{"unavailable", errs.ServiceUnavailable, 503, "ServiceUnavailable", errs.ServiceUnavailable.Message, nil, "", ""},
		{"deadline", fmt.Errorf("read: %w", context.DeadlineExceeded), 503, "ServiceUnavailable", errs.ServiceUnavailable.Message, nil, "", "1"},
		{"cancelled", context.Canceled, 503, "ServiceUnavailable", errs.ServiceUnavailable.Message, nil, "", ""},
		{"foreign", errors.New("password=hunter2"), 500, "UnexpectedError", errs.Unexpected.Message, nil, "", ""},
		{"internal with detail", errs.Unexpected.At("x", "row 7 is broken").Wrap(errors.New("disk")), 500, "UnexpectedError", errs.Unexpected.Message, nil, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			w.Header().Set(RequestIDHeader, "req-1")
			Write(w, nil, tc.err)
			if w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
			var got map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			details := []any{}
			for _, f := range tc.details {
				details = append(details, map[string]any{"path": f.Path, "issue": f.Issue})
			}
			want := map[string]any{
				"error": map[string]any{"code": tc.code, "message": tc.message},
				"code":  tc.code, "message": tc.message, "details": details, "requestId": "req-1",
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("body (-want +got):\n%s", d)
			}
			heads := map[string]string{"Content-Type": "application/json", "X-Should-Retry": tc.retry, "Retry-After": tc.retryAfter}
			for name, want := range heads {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	allowed := []int{400, 401, 402, 403, 404, 409, 410, 413, 415, 429, 500, 503}
	for _, e := range errs.All() {
		if s := Status(e); !slices.Contains(allowed, s) {
			t.Errorf("%s has status %d", e.Code, s)
		}
		if strings.TrimSpace(e.Message) == "" {
			t.Errorf("%s has no message", e.Code)
		}
	}
}

func TestCodesAreDeclaredOnce(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a code could be declared twice")
		}
	}()
	errs.New(errs.Invalid, errs.BadUserInput.Code, "again")
}

func TestMarkdownListsEveryCode(t *testing.T) {
	t.Parallel()
	md := string(Markdown())
	for _, want := range []string{
		"| `BadUserInput` | 400 | ", "| `FeedResync` | 410 | ", "| `CustomerHasNoPaymentMethod` | 402 | ", "| `UnexpectedError` | 500 | ",
	} {
		if !strings.Contains(md, want) {
			t.Errorf("no line %q in\n%s", want, md)
		}
	}
}

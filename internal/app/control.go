package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
)

// KeyInfo is an API key as people see it. Secret is there once, when the key is made.
type KeyInfo struct {
	ID          string     `json:"id"`
	Environment string     `json:"environment"`
	Kind        string     `json:"kind"`
	Name        string     `json:"name"`
	System      bool       `json:"system"`
	Shown       string     `json:"shown"` // the beginning and the end of the secret
	Status      string     `json:"status"`
	CreatedAt   time.Time  `json:"createdAt"`
	ExpiresAt   *time.Time `json:"expiresAt,omitempty"`
	Secret      string     `json:"secret,omitempty"`
}

func keyInfo(k account.Key, slug string, now time.Time) KeyInfo {
	return KeyInfo{
		ID: k.ID, Environment: slug, Kind: string(k.Kind), Name: k.Name, System: k.System, Shown: k.Prefix + "…" + k.Last4,
		Status: k.Status(now), CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt,
	}
}

func issuedInfo(k account.Issued, slug string, now time.Time) KeyInfo {
	info := keyInfo(k.Key, slug, now)
	info.Secret = k.Secret
	return info
}

// operations are what commands ask of a running server through its socket, or do themselves when none runs.
type operations map[string]func(ctx context.Context, in json.RawMessage) (any, error)

// op makes an operation of a typed function.
func op[I, O any](fn func(ctx context.Context, in I) (O, error)) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var in I
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, err
		}
		return fn(ctx, in)
	}
}

// office does the work of the operations on a database.
type office struct {
	db       *store.DB
	accounts *account.Service
	clock    clock.Clock
}

func (a *App) operations() operations {
	return office{a.db, a.parts.accounts, a.cfg.Clock}.operations()
}

func (o office) operations() operations {
	return operations{
		"key-create": op(o.createKey),
		"key-list":   op(o.listKeys),
		"key-rotate": op(o.rotateKey),
		"key-revoke": op(o.revokeKey),
		"verify":     op(o.verify),
		"backup":     op(o.backup),
	}
}

type keyRequest struct {
	Environment string `json:"environment,omitempty"`
	Name        string `json:"name,omitempty"`
	ID          string `json:"id,omitempty"`
	Keep        string `json:"keep,omitempty"`
}

func (o office) createKey(ctx context.Context, in keyRequest) (KeyInfo, error) {
	env, err := o.accounts.Environment(ctx, in.Environment)
	if err != nil {
		return KeyInfo{}, err
	}
	k, err := o.accounts.CreateKey(ctx, env.ID, in.Name)
	if err != nil {
		return KeyInfo{}, err
	}
	return issuedInfo(k, env.Slug, o.clock.Now()), nil
}

func (o office) listKeys(ctx context.Context, in keyRequest) ([]KeyInfo, error) {
	envs, err := o.accounts.Environments(ctx)
	if err != nil {
		return nil, err
	}
	if in.Environment != "" {
		envs = slices.DeleteFunc(envs, func(e account.Environment) bool { return e.Slug != in.Environment })
		if len(envs) == 0 {
			return nil, account.ErrEnvironmentMissing.Because("There is no environment %q.", in.Environment)
		}
	}
	list := []KeyInfo{}
	for _, e := range envs {
		keys, err := o.accounts.ListKeys(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			list = append(list, keyInfo(k, e.Slug, o.clock.Now()))
		}
	}
	return list, nil
}

func (o office) rotateKey(ctx context.Context, in keyRequest) (KeyInfo, error) {
	k, err := o.accounts.RotateKey(ctx, in.ID, in.Keep)
	if err != nil {
		return KeyInfo{}, err
	}
	slug, err := o.slug(ctx, k.Key)
	return issuedInfo(k, slug, o.clock.Now()), err
}

func (o office) revokeKey(ctx context.Context, in keyRequest) (KeyInfo, error) {
	k, err := o.accounts.RevokeKey(ctx, in.ID)
	if err != nil {
		return KeyInfo{}, err
	}
	slug, err := o.slug(ctx, k)
	return keyInfo(k, slug, o.clock.Now()), err
}

func (o office) slug(ctx context.Context, k account.Key) (string, error) {
	envs, err := o.accounts.Environments(ctx)
	for _, e := range envs {
		if e.ID == k.Environment {
			return e.Slug, nil
		}
	}
	return "", err
}

// run does one operation; the command line is the actor.
func (ops operations) run(ctx context.Context, name string, in json.RawMessage) (json.RawMessage, error) {
	do, ok := ops[name]
	if !ok {
		return nil, fmt.Errorf("this purser knows no %s: is it another version?", name)
	}
	out, err := do(event.WithActor(ctx, event.System("command line")), in)
	if err != nil {
		return nil, plain(err)
	}
	return json.Marshal(out)
}

// controlHandler answers commands on the data directory's socket: POST /NAME, JSON in and out.
func controlHandler(ops operations) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{operation}", func(w http.ResponseWriter, r *http.Request) {
		var in json.RawMessage
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in)
		var out json.RawMessage
		if err == nil {
			out, err = ops.run(r.Context(), r.PathValue("operation"), in)
		}
		answer := controlAnswer{Data: out}
		if err != nil {
			answer = controlAnswer{Error: err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	})
	return mux
}

type controlAnswer struct {
	Data  json.RawMessage `json:"data,omitempty"`
	Error string          `json:"error,omitempty"`
}

// plain gives an error for people: the message of a refusal, without its code and cause.
func plain(err error) error {
	e, ok := errs.As(err)
	if !ok || e.Kind == errs.Internal {
		return err
	}
	return fmt.Errorf("%s", e.Message)
}

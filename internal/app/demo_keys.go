package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
)

// replacedKeep is for how long a client key works on that the demo had to replace: its users may not know of the demo.
const replacedKeep = "7d"

// revive replaces the keys that do not work: they were rotated, or another database was restored.
func (e *demoEnv) revive(ctx context.Context, a *App, path string) error {
	ctx = event.WithActor(ctx, event.System("demo"))
	for _, l := range e.lines()[1:] {
		c, err := a.parts.keys.Authenticate(ctx, *l.value)
		if err == nil && c.Environment.ID == l.slot.Environment && c.Kind == l.slot.Kind {
			continue
		}
		if err != nil && !errors.Is(err, errs.NoKey) {
			return fmt.Errorf("check %s of %s: %w", l.name, path, err)
		}
		k, err := a.freshKey(ctx, l.slot)
		if err != nil {
			return fmt.Errorf("replace %s of %s: %w", l.name, path, err)
		}
		*l.value = k.Secret
		if err := e.write(path); err != nil { // what comes next may fail, and the secret is nowhere else
			return err
		}
	}
	return nil
}

// freshKey makes another server key. Of client keys an environment has one alone, which is rotated.
func (a *App) freshKey(ctx context.Context, slot account.Slot) (account.Issued, error) {
	accounts := a.parts.accounts
	if slot.Kind == account.ServerKey {
		return accounts.CreateKey(ctx, slot.Environment, "Demo")
	}
	list, err := accounts.ListKeys(ctx, slot.Environment)
	if err != nil {
		return account.Issued{}, err
	}
	now := a.cfg.Clock.Now()
	for _, k := range list {
		if k.Kind == slot.Kind && k.System && k.Status(now) == "ACTIVE" {
			return accounts.RotateKey(ctx, k.ID, replacedKeep)
		}
	}
	return account.Issued{}, account.ErrKeyNotFound
}

package app

import (
	"context"
	"errors"

	"github.com/purserhq/purser/internal/store"
)

// Migrate brings the tables of a place up to date without serving. It needs the data directory's lock.
func Migrate(ctx context.Context, p Place) (err error) {
	var dir *dataDir
	if !p.Postgres() {
		if dir, err = openDataDir(p.Data); err != nil {
			return err
		}
	}
	return errors.Join(store.Migrate(ctx, p.store(dir)), dir.close())
}

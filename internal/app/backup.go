package app

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/purserhq/purser/internal/store"
)

type backupRequest struct {
	File string `json:"file"` // absolute: a running server has another working directory
}

func (o office) backup(ctx context.Context, in backupRequest) (struct{}, error) {
	return struct{}{}, o.db.Backup(ctx, in.File)
}

// Backup writes a copy of the database to a new file, also beside a running server.
func (c *Control) Backup(ctx context.Context, file string) error {
	abs, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	_, err = ask[struct{}](ctx, c, "backup", backupRequest{abs})
	return err
}

// Restore makes the database of a place from a backup and returns the new generation of its feed. With force a database
// that is there is put aside. It needs the data directory's lock.
func Restore(ctx context.Context, p Place, file string, force bool) (generation string, err error) {
	var dir *dataDir
	if !p.Postgres() {
		if dir, err = openDataDir(p.Data); err != nil {
			return "", err
		}
	}
	generation, err = store.Restore(ctx, p.store(dir), file, force)
	return generation, errors.Join(err, dir.close())
}

// NewGeneration begins a new generation of the feed of a PostgreSQL database that pg_restore filled.
func NewGeneration(ctx context.Context, p Place) (generation string, err error) {
	if !p.Postgres() {
		return "", errors.New("say which database pg_restore filled: --database URL")
	}
	return store.NewGeneration(ctx, p.store(nil))
}

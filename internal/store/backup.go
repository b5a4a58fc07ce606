package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes a copy of the database, as it is at one instant, to a new file that only its owner can read. It goes on
// beside writers. The file is whole or not there; one that exists is refused. A relative path is this process' own. A
// PostgreSQL database is backed up by pg_dump: the error says how.
func (db *DB) Backup(ctx context.Context, file string) error {
	e, ok := db.engine.(*sqliteEngine)
	if !ok {
		return errors.New("a PostgreSQL database is backed up by pg_dump: " +
			`pg_dump --format=custom --no-owner --file=FILE --dbname="$PURSER_DATABASE"`)
	}
	if err := e.backup(ctx, file); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func (e *sqliteEngine) backup(ctx context.Context, file string) (err error) {
	if err := absent(file); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // for its owner alone
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, forget(temp.Name())) }()
	if err := temp.Close(); err != nil {
		return err
	}
	// A connection of its own: the writer goes on, and the context may interrupt it.
	pool, err := sqlitePool(e.path, 1)
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, `vacuum into $1`, temp.Name())
	if err := errors.Join(sqliteAnswer(err), pool.Close()); err != nil {
		return err
	}
	return place(temp.Name(), file)
}

func absent(file string) error {
	_, err := os.Lstat(file)
	switch {
	case err == nil:
		return fmt.Errorf("%s exists already", file)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// forget removes a temporary file that may have moved on.
func forget(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// place puts a finished file where it belongs, for good, and never in the place of another.
func place(temp, file string) error {
	if err := syncFile(temp); err != nil {
		return err
	}
	if err := os.Link(temp, file); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already", file)
	} else if err != nil { // a file system without links
		if err := absent(file); err != nil {
			return err
		}
		if err := os.Rename(temp, file); err != nil {
			return err
		}
	}
	return syncFile(filepath.Dir(file))
}

// syncFile waits until a file, or a folder's list of files, is on the disk.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
)

// Secret is a key of this database's own, made once: fingerprints of requests are hashed with it (storage.md 7).
func (db *DB) Secret(ctx context.Context) ([]byte, error) {
	text, err := db.ensureMeta(ctx, "secret", func() string {
		var b [32]byte
		_, _ = rand.Read(b[:]) // it never fails
		return hex.EncodeToString(b[:])
	})
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}

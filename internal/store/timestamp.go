package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/purserhq/purser/internal/base/clock"
)

// layout is fixed-width UTC with microseconds: on SQLite text order is time order.
const layout = "2006-01-02T15:04:05.000000Z"

// instant is an argument: text on SQLite, and on PostgreSQL its own binary form, which needs no parsing there.
type instant time.Time

// stamp is an instant as an argument.
func stamp(t time.Time) instant { return instant(clock.Trim(t)) }

// Value implements driver.Valuer, for SQLite.
func (i instant) Value() (driver.Value, error) { return time.Time(i).Format(layout), nil }

// TimestamptzValue implements pgtype.TimestamptzValuer.
func (i instant) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: time.Time(i), Valid: true}, nil
}

// nullStamp is stamp for an instant that may be missing.
func nullStamp(t *time.Time) any {
	if t == nil {
		return nil
	}
	return stamp(*t)
}

// at scans an instant.
type at struct{ dst *time.Time }

// Scan implements sql.Scanner.
func (a at) Scan(src any) error {
	t, err := parseTime(src)
	*a.dst = t
	return err
}

// nullTime scans an instant that may be null.
type nullTime struct{ dst **time.Time }

// Scan implements sql.Scanner.
func (n nullTime) Scan(src any) error {
	if src == nil {
		*n.dst = nil
		return nil
	}
	t, err := parseTime(src)
	*n.dst = &t
	return err
}

func parseTime(src any) (time.Time, error) {
	switch v := src.(type) {
	case time.Time:
		return clock.Trim(v), nil
	case string:
		return time.Parse(layout, v)
	case []byte:
		return time.Parse(layout, string(v))
	}
	return time.Time{}, fmt.Errorf("store: %T is no instant", src)
}

// asJSON is a value as an argument for a JSON column: text on SQLite, jsonb on PostgreSQL.
func asJSON(v any) driver.Valuer { return jsonArg{v} }

type jsonArg struct{ v any }

// Value implements driver.Valuer. A nil slice, map or pointer is SQL null.
func (j jsonArg) Value() (driver.Value, error) {
	b, err := json.Marshal(j.v)
	if err != nil {
		return nil, err
	}
	if string(b) == "null" {
		return nil, nil
	}
	return string(b), nil
}

// fromJSON scans a JSON column; null leaves the destination as it is.
type fromJSON struct{ dst any }

// Scan implements sql.Scanner.
func (j fromJSON) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), j.dst)
	case []byte:
		return json.Unmarshal(v, j.dst)
	}
	return fmt.Errorf("store: %T is no JSON", src)
}

package money

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
)

// MarshalJSON writes a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a JSON number from its text. Strings are refused; null leaves d unchanged.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	p, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	*d = p
	return nil
}

// Value writes text. Results of arithmetic with more than 38 digits are an error.
func (d Decimal) Value() (driver.Value, error) {
	if err := d.rangeErr(); err != nil {
		return nil, fmt.Errorf("money: %s %w", d, err)
	}
	return d.String(), nil
}

// Scan reads text as both engines give it. NULL is an error: see NullDecimal.
func (d *Decimal) Scan(src any) error {
	var s string
	switch v := src.(type) {
	case string:
		s = v
	case []byte:
		s = string(v)
	case nil:
		return errors.New("money: NULL is not a decimal")
	default:
		return fmt.Errorf("money: a column of type %T is not a decimal", src)
	}
	p, err := ParseDecimal(s)
	if err != nil {
		return fmt.Errorf("money: column value %w", err)
	}
	*d = p
	return nil
}

// NullDecimal is a Decimal that may be absent: NULL in SQL, null in JSON.
type NullDecimal struct {
	Decimal Decimal
	Valid   bool
}

// MarshalJSON writes a JSON number or null.
func (n NullDecimal) MarshalJSON() ([]byte, error) {
	if !n.Valid {
		return []byte("null"), nil
	}
	return n.Decimal.MarshalJSON()
}

// UnmarshalJSON reads a JSON number or null.
func (n *NullDecimal) UnmarshalJSON(b []byte) error {
	n.Decimal, n.Valid = Decimal{}, !bytes.Equal(b, []byte("null"))
	return n.Decimal.UnmarshalJSON(b)
}

// Value writes text or NULL.
func (n NullDecimal) Value() (driver.Value, error) {
	if !n.Valid {
		return nil, nil
	}
	return n.Decimal.Value()
}

// Scan reads text or NULL.
func (n *NullDecimal) Scan(src any) error {
	n.Decimal, n.Valid = Decimal{}, src != nil
	if src == nil {
		return nil
	}
	return n.Decimal.Scan(src)
}

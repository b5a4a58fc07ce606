package page

import "slices"

// Slice is one page of a short list that is in memory, in ascending order of key.
func Slice[T any](r Request, rows []T, key func(T) string) (Of[T], error) {
	find := func(name, cursor string) (int, error) {
		i := slices.IndexFunc(rows, func(t T) bool { return key(t) == cursor })
		if i < 0 {
			return 0, ErrCursor(name)
		}
		return i, nil
	}
	switch {
	case r.After != "":
		i, err := find("after", r.After)
		if err != nil {
			return Of[T]{}, err
		}
		rows = rows[i+1:]
	case r.Before != "":
		i, err := find("before", r.Before)
		if err != nil {
			return Of[T]{}, err
		}
		rows = rows[max(0, i-r.Limit-1):i]
	}
	return Cut(r, rows[:min(len(rows), r.Limit+1)], key), nil
}

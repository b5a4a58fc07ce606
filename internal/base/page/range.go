package page

import "time"

// Range bounds instants. A zero member does not limit.
type Range struct{ GT, GTE, LT, LTE time.Time }

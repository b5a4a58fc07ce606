package clock

import (
	"time"
	_ "time/tzdata" // time zones are known on machines that have none installed
)

// ZoneIssue says what is wrong with the name of a time zone, or "". An empty one counts as none.
func ZoneIssue(s string) string {
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		return "is not a time zone such as Europe/Berlin"
	}
	return ""
}

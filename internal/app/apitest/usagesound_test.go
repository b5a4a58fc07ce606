package apitest

import (
	"testing"
)

// Counters of several customers have versions of their own in the feed.
func TestUsageOfSeveralCustomersIsSound(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		s.basic("beta")
		for _, customer := range []string{"acme", "acme", "beta", "acme"} {
			s.post(usages, report(customer, "feature-api-calls", 1, "")).want(201)
		}
		s.sound()
	})
}

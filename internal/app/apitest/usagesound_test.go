package apitest

import (
	"fmt"
	"testing"
	"time"
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

// Events that came before anybody was entitled count with the first one afterwards, also where that is an older one.
func TestEventsBeforeTheSubscription(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.meterBy("feature-api-calls", "COUNT", "", whenCalled)
		s.send1(rawEvent("acme", "call", "1")).want(200)
		s.moveTo(begin.Add(time.Hour))
		s.basic("acme")
		s.send1(rawEvent("acme", "call", "2"), rawEvent("acme", "call", "3")).want(200)
		s.send1(rawEvent("beta", "call", "1")).want(200)
		s.basic("beta")
		s.send1(rawEvent("beta", "call", "2", fmt.Sprintf(`"timestamp":%q`, stamp(begin)))).want(200)
		s.sound()
	})
}

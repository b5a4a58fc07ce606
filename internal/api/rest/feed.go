package rest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// Feed is the route of the change feed.
type Feed struct{ Service *event.Feed }

func (h Feed) routes(api *API) {
	get(api, op{
		ID: "readFeed", Path: "/api/v1/feed", Tag: "Change feed", Permission: auth.FeedRead, Own: true, Bare: true,
		Summary: "Read the changes of this environment, in order",
		Description: "Go on with after=next. At the end next repeats the position; wait asks to be answered when something happens. " +
			"FeedResync (410): the position can no longer be read.",
	}, h.read, data(feedOf))
}

type feedInput struct {
	After string `query:"after" format:"position" doc:"A position; without it the feed begins with the oldest event kept."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Wait  int    `query:"wait" minimum:"0" maximum:"25" doc:"Seconds to wait for news."`
}

// news is one answer of the feed.
type news struct {
	events []event.Event
	next   event.Cursor
}

func (h Feed) read(ctx context.Context, env tenant.ID, in *feedInput) (n news, err error) {
	var after *event.Cursor
	if in.After != "" {
		c, err := event.ParseCursor("after", in.After)
		if err != nil {
			return n, err
		}
		after = &c
	}
	n.events, n.next, err = h.Service.Read(ctx, env, after, in.Limit, time.Duration(in.Wait)*time.Second)
	return n, err
}

type feedBody struct {
	Data []eventBody `json:"data"`
	Next string      `json:"next" doc:"Where to go on: after=next."`
}

type eventBody struct {
	Position   string          `json:"position"`
	Type       string          `json:"type"`
	Entity     event.Entity    `json:"entity"`
	Version    int64           `json:"version" doc:"The entity's version after the change."`
	At         Time            `json:"at" doc:"When it happened, in the environment's time."`
	RecordedAt Time            `json:"recordedAt" doc:"When it was written, in the server's time."`
	Actor      event.Actor     `json:"actor"`
	Payload    json.RawMessage `json:"payload"`
}

func feedOf(n news) feedBody {
	b := feedBody{Data: make([]eventBody, 0, len(n.events)), Next: n.next.String()}
	for _, e := range n.events {
		payload, _ := e.JSON() // stored as JSON
		b.Data = append(b.Data, eventBody{
			Position: event.Cursor{Generation: n.next.Generation, Position: e.Position}.String(), Type: e.Type, Entity: e.Entity,
			Version: e.Version, At: At(e.At), RecordedAt: At(e.RecordedAt), Actor: e.Actor, Payload: payload,
		})
	}
	return b
}

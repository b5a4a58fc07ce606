package main

import "github.com/purserhq/purser/internal/app"

// remote are the flags of verbs that speak to a server over REST.
type remote struct {
	app.Client
	Data string `help:"Data directory of the demo to speak to; ${default} unless given." default:"data" placeholder:"DIR"`
}

func (r remote) client() (app.Client, error) { return r.Client.Or(r.Data) }

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

type provisionCmd struct {
	remote
	ID     string `help:"Id of the customer." required:"" placeholder:"ID"`
	Name   string `help:"Name of the customer." placeholder:"NAME"`
	Email  string `help:"Email address of the customer." placeholder:"EMAIL"`
	Plan   string `help:"Id of the plan to ask for; without it the customer gets no subscription." placeholder:"ID"`
	DryRun bool   `help:"Decide and answer, but write nothing."`
}

// Run provisions a customer and prints the answer.
func (c provisionCmd) Run(ctx context.Context, out io.Writer) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	body := map[string]any{"id": c.ID}
	if c.Name != "" {
		body["name"] = c.Name
	}
	if c.Email != "" {
		body["email"] = c.Email
	}
	if c.Plan != "" {
		body["subscriptionParams"] = map[string]string{"planId": c.Plan}
	}
	path := "/api/v1/customers"
	if c.DryRun {
		path += "?dryRun=true"
	}
	answer, err := client.Do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	return printJSON(out, answer)
}

func printJSON(out io.Writer, raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(raw), "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, b.String())
	return err
}

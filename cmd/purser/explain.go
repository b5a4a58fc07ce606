package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

type explainCmd struct {
	remote
	Customer        string   `arg:"" help:"Id of the customer."`
	Feature         string   `arg:"" help:"Id of the feature."`
	Resource        string   `help:"Id of a resource of the customer." placeholder:"ID"`
	RequestedUsage  string   `help:"How much more is wanted of a metered feature." placeholder:"N"`
	RequestedValues []string `help:"Which values are wanted of an enum feature." placeholder:"A,B"`
	At              string   `help:"An instant to come, in RFC 3339; now unless given." placeholder:"TIME"`
	JSON            bool     `help:"Print the answer as JSON."`
}

// Run asks for one check with its explanation and prints it.
func (c explainCmd) Run(ctx context.Context, out io.Writer) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	answer, err := client.Do(ctx, http.MethodGet, c.path(), nil)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, answer)
	}
	var a struct {
		Data struct {
			Explanation struct {
				Steps []struct{ Kind, Text string }
			}
		}
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return err
	}
	for _, s := range a.Data.Explanation.Steps {
		text := strings.ReplaceAll(s.Text, ". ", ".\n"+strings.Repeat(" ", 15))
		if _, err := fmt.Fprintf(out, "%-14s %s\n", s.Kind, text); err != nil {
			return err
		}
	}
	return nil
}

func (c explainCmd) path() string {
	q := url.Values{"featureId": {c.Feature}, "explain": {"true"}}
	for name, value := range map[string]string{
		"resourceId": c.Resource, "requestedUsage": c.RequestedUsage, "requestedValues": strings.Join(c.RequestedValues, ","), "at": c.At,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "/api/v1/customers/" + url.PathEscape(c.Customer) + "/entitlements/check?" + q.Encode()
}

package rest

import (
	"strconv"

	"github.com/purserhq/purser/internal/base/page"
)

// Paging is embedded in the input of every list (contract §1.3).
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Rows of one page."`
	After  string `query:"after" format:"uuid" doc:"The page after this cursor."`
	Before string `query:"before" format:"uuid" doc:"The page just before this cursor, in the same order."`
}

func (p Paging) request() (page.Request, error) {
	return page.Parse(strconv.Itoa(p.Limit), p.After, p.Before)
}

// pagination is what a list answers beside data.
type pagination struct {
	Next Opt[string] `json:"next"`
	Prev Opt[string] `json:"prev"`
}

func cursor(s string) Opt[string] {
	if s == "" {
		return Null[string]()
	}
	return Some(s)
}

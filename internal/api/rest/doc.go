// Package rest is the REST surface: one table of operations on net/http's ServeMux,
// described to clients by OpenAPI 3.1 that is generated from the same Go types.
//
// router.go is the edge (request id, host, log, panic), operation.go how a noun's file
// adds its operations, serve.go one request from decoding to the answer. Schemas come
// from huma; requests are checked against them here (shape.go), because every bad
// field has to be named by its own path and unknown members must not be lost. Errors
// become answers in api/problem only.
package rest

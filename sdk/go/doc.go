// Package purser is a Go module of its own, without any requirement.
//
// It holds internal/rules, the rules by which the server decides a check: a copy of
// internal/core/rules at the root of the repository, made by `make generate`. There is
// nothing here yet that a program could call.
package purser

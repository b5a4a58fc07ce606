// Package tenant names the environment that a row belongs to.
//
// Environments are small integers inside, and the first column of every key;
// an ID is an explicit argument of every store method.
package tenant

// ID is an environment. Zero is none.
type ID int32

// Package tig stands in for nerdctl's own test helper, which its releases name by a path inside its repository.
// The nerdctl program links to this one type and never uses it.
package tig

// T is what nerdctl's test helper calls on a test.
type T interface {
	Log(args ...any)
	FailNow()
}

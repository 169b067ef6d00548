// Package fault classifies trouble. Every error that reaches the command line belongs to one class, and the class
// decides the exit code; an error nobody classified is an internal one, never a pass.
package fault

import (
	"errors"
	"fmt"
)

// Class says what kind of trouble an error is. Its value is the process exit code of that class, so that the highest
// of several classes is also the code to report. The zero Class belongs to no error.
type Class int

const (
	// Evidence is input that cannot be read: truncated, malformed, over a limit, inconsistent.
	Evidence Class = 30
	// Policy is a policy that cannot judge: no rule, compile or type error, undefined or ill-typed result, budget.
	Policy Class = 40
	// Trust is a signature, digest, identity, log or statement that is forged or tampered with.
	Trust Class = 50
	// Record is a decision that could not be signed, appended, flushed or read again: there is no decision.
	Record Class = 60
	// Usage is a bad flag or configuration: nothing was evaluated.
	Usage Class = 64
	// Internal is a recovered panic, an impossible state, or an error that nobody classified.
	Internal Class = 70
)

// String is the word for the class that messages use.
func (c Class) String() string {
	switch c {
	case Evidence:
		return "evidence fault"
	case Policy:
		return "policy fault"
	case Trust:
		return "trust fault"
	case Record:
		return "not recorded"
	case Usage:
		return "usage"
	case Internal:
		return "internal error"
	}
	return "unclassified"
}

// Word is the last part of the code of a finding about a fault of the class: "engine." + Word().
func (c Class) Word() string {
	switch c {
	case Evidence:
		return "evidence"
	case Policy:
		return "policy"
	case Trust:
		return "trust"
	case Record:
		return "record"
	case Usage:
		return "config"
	}
	return "internal"
}

// Error is an error with its class.
type Error struct {
	Class Class
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the error beneath the class.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of the class; format and args are those of fmt.Errorf, %w included.
func New(c Class, format string, args ...any) error {
	return &Error{Class: c, Err: fmt.Errorf(format, args...)}
}

// Wrap gives err the class unless it has one already; nil stays nil.
func Wrap(c Class, err error) error {
	if err == nil {
		return nil
	}
	var f *Error
	if errors.As(err, &f) {
		return err
	}
	return &Error{Class: c, Err: err}
}

// ClassOf is the highest class among err and all errors it joins or wraps, Internal where none is classified, and 0
// only for nil.
func ClassOf(err error) Class {
	if err == nil {
		return 0
	}
	if c := highest(err); c != 0 {
		return c
	}
	return Internal
}

func highest(err error) Class {
	var c Class
	if f, ok := err.(*Error); ok {
		c = f.Class
	}
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		if in := u.Unwrap(); in != nil {
			c = max(c, highest(in))
		}
	case interface{ Unwrap() []error }:
		for _, in := range u.Unwrap() {
			c = max(c, highest(in))
		}
	}
	return c
}

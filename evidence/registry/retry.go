package registry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"oras.land/oras-go/v2/registry/remote/errcode"
)

const (
	// attempts is how often something is asked that fails in a way that may pass.
	attempts = 5
	// firstPause is the pause after the first failure; each further one is twice as long.
	firstPause = 200 * time.Millisecond
	// longestPause bounds what a registry may ask for with Retry-After; it then gets no further attempt.
	longestPause = time.Minute
)

// asked notes what an answer says about when to ask again.
type asked struct{ retryAfter string }

type askedKey struct{}

// listening is a transport that notes Retry-After for ask, since errors of oras-go do not hold it.
type listening struct{ http.RoundTripper }

func (l listening) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if a, ok := r.Context().Value(askedKey{}).(*asked); ok && err == nil {
		a.retryAfter = resp.Header.Get("Retry-After")
	}
	return resp, err
}

// ask does something until it works or fails in a way that will not pass: a registry that is busy (429), broken (5xx) or
// cut off is asked again, a few times, no sooner than it says. What is done must be doable twice.
func (r *Repository) ask(ctx context.Context, what string, do func(context.Context) error) error {
	pause := firstPause
	for i := 1; ; i++ {
		a := &asked{}
		err := do(context.WithValue(ctx, askedKey{}, a))
		if err == nil {
			return nil
		}
		wait := max(pause, r.after(a.retryAfter))
		if !passing(err) || i == attempts || wait > longestPause || ctx.Err() != nil {
			return r.explain(what, err)
		}
		select {
		case <-ctx.Done():
			return r.explain(what, context.Cause(ctx))
		case <-time.After(wait):
		}
		pause *= 2
	}
}

// after reads Retry-After (RFC 9110, 10.2.3). A date is measured from the moment it is read.
func (r *Repository) after(v string) time.Duration {
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(min(n, 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil && r.now != nil {
		return at.Sub(r.now())
	}
	return 0
}

// passing says whether an error may be gone the next time.
func passing(err error) bool {
	var status *errcode.ErrorResponse
	if errors.As(err, &status) {
		switch status.StatusCode {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var timeout net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

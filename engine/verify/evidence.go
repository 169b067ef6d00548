package verify

import (
	"errors"

	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/store"
)

// Evidence verifies.
func Evidence(st *store.Store, ix *store.Index, def *gate.Definition, want Want) (*Verified, error) {
	return nil, errors.ErrUnsupported
}

// Signoffs verifies.
func Signoffs(st *store.Store, ix *store.Index, def *gate.Definition, releaseID string, logged map[string]bool) ([]Signoff, []NotCounted, error) {
	return nil, nil, errors.ErrUnsupported
}

package verify

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence"
)

// load reads the rows of the statements that count, several at once, and hashes their raw reports. A blob that is absent,
// altered or unreadable is a fault, and its item is left out.
func (g *gathering) load(st *store.Store, counted []*statement) []Item {
	slices.SortFunc(counted, compareDigest)
	counted = slices.CompactFunc(counted, func(a, b *statement) bool { return compareDigest(a, b) == 0 })
	total := g.rows // of attestations, which are there already
	for i, s := range counted {
		switch {
		case s.item != nil:
			total += min(s.item.Rows.Size, maxAllRows)
		case s.foreign != nil && i > 0 && counted[i-1].digest == s.digest: // about one more artifact
			total += int64(len(s.foreign.rows))
		}
	}
	if total > maxAllRows {
		g.faults = append(g.faults, fault.New(fault.Evidence, "read rows: the reports about this release have %d bytes of rows; more than %d are refused", total, int64(maxAllRows)))
		return []Item{}
	}
	items, errs := make([]Item, len(counted)), make([]error, len(counted))
	var work sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, s := range counted {
		work.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			items[i], errs[i] = g.item(st, s)
		})
	}
	work.Wait()
	out := []Item{}
	for i, s := range counted {
		if misfit := (misfitError{}); errors.As(errs[i], &misfit) {
			g.refuse(s, Misfit, s.signer.ID, "the %s statement %s %v", s.kindName(), short(s.digest), misfit.error)
			continue
		}
		if errs[i] != nil {
			g.blame(s, errs[i])
			continue
		}
		out = append(out, items[i])
	}
	return out
}

// item is the statement as others see it.
func (g *gathering) item(st *store.Store, s *statement) (Item, error) {
	if s.foreign != nil {
		return g.foreignItem(s)
	}
	it := Item{
		ID: s.digest, Manifest: s.manifest, Kind: s.kind, About: s.about, CollectedAt: s.at,
		Signer:     Signer{ID: s.signer.ID, Roles: slices.Sorted(slices.Values(s.signer.May))},
		AgeSeconds: int64(g.want.Now.Sub(s.at) / time.Second),
		Producer:   s.producer(), Line: s.line(), Release: s.release(),
	}
	if s.build != nil {
		it.Build = &s.build.Source
		return it, nil
	}
	p := s.item
	it.Level, it.Part, it.Scope, it.Format, it.Tool = p.Level, p.Part, p.Scope, p.Format, p.Tool
	it.Warnings, it.Summary, it.RowsFrom, it.Report = p.Warnings, p.Summary, p.Rows, p.Report
	what := fmt.Sprintf("the rows of %s statement %s,", s.kindName(), short(s.digest))
	b, err := read(st, p.Rows.Digest, maxRows, what)
	if err != nil {
		return Item{}, err
	}
	if int64(len(b)) != p.Rows.Size {
		return Item{}, fault.New(fault.Evidence, "read %s %s: it has %d bytes, and the statement says %d", what, p.Rows.Digest, len(b), p.Rows.Size)
	}
	if _, builtIn := evidence.ShapeOf(s.kind); !builtIn {
		it.Rows, err = g.document(s.kind, b)
	} else {
		it.Rows, err = checkRows(s.kind, b)
	}
	if misfit := (misfitError{}); errors.As(err, &misfit) {
		return Item{}, err
	}
	if err != nil {
		return Item{}, fault.New(fault.Evidence, "read %s %s: %v", what, p.Rows.Digest, err)
	}
	return it, hash(st, p.Report.Digest, fmt.Sprintf("the raw report of %s statement %s,", s.kindName(), short(s.digest)))
}

// misfitError is why a document of an own kind does not count. Its kind may have been defined otherwise when it was collected,
// so nobody need have lied.
type misfitError struct{ error }

// document reads the rows document of an own kind, {"data": …}, and holds what is in it to the kind as the target's policies
// define it now.
func (g *gathering) document(kind evidence.Kind, b []byte) (jsontext.Value, error) {
	var doc struct {
		Data jsontext.Value `json:"data"`
	}
	if err := json.Unmarshal(b, &doc, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	own, ok := g.want.Kinds[kind]
	if !ok {
		return nil, misfitError{fmt.Errorf("is of a kind that the policies of target %s do not define; add kinds/%s.cue to them if a rule needs it", g.want.Target, kind)}
	}
	is, err := own.Read(string(kind), doc.Data)
	if err == nil && !bytes.Equal(is, doc.Data) {
		err = errors.New("it is not in the one form that collect writes")
	}
	if err != nil {
		return nil, misfitError{fmt.Errorf("does not fit the kind as the policies of target %s define it: %w; collect it again", g.want.Target, err)}
	}
	return doc.Data, nil
}

// hash reads a blob to its end, which checks its digest. The raw report decides nothing, but a reason that nobody can
// follow to its report is none.
func hash(st *store.Store, digest, what string) error {
	r, _, err := st.OpenBlob(digest)
	if err == nil {
		defer r.Close()
		_, err = io.Copy(io.Discard, r)
	}
	return blobFault(err, digest, what)
}

// compareDigest orders statements; an attestation may be about several artifacts.
func compareDigest(a, b *statement) int {
	return cmp.Or(cmp.Compare(a.digest, b.digest), cmp.Compare(a.about.Digest, b.about.Digest))
}

package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
	"cdgate.dev/cdgate/evidence/secrets"
)

const (
	// maxAttestations is how many attestations one file may hold.
	maxAttestations = 256
	// maxAttested is the size of a file of attestations, unpacked: it is held in memory as a whole.
	maxAttested = 64 << 20
)

// Envelope is an attestation taken apart, before anything is believed of it.
type Envelope struct {
	// MediaType is that of the attestation, PredicateType that of its statement.
	MediaType, PredicateType string
	// Subjects are the digests of the subjects, "algorithm:value".
	Subjects []string
	// Payload is the signed statement, Predicate the part of it that is read.
	Payload, Predicate []byte
}

// Opener takes an attestation apart, strictly, without checking its signature. Package seal's does.
type Opener func(text []byte) (Envelope, error)

// readAttested reads a file of attestations: each becomes a reading of its own. Of several, those of unknown predicate types are
// passed over; told of, as files are that are no reports.
func readAttested(plain io.Reader, s source, req Request, h *holder) ([]*reading, error) {
	if s.level != "" {
		return nil, fmt.Errorf("read an attestation as level %q: whoever signed it does not say a level; name it without one", s.level)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxAttested+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxAttested:
		return nil, fmt.Errorf("a file of attestations with more than %d MiB; split it", maxAttested>>20)
	}
	docs, err := split(text)
	if err != nil {
		return nil, err
	}
	var out []*reading
	for i, doc := range docs {
		name := s.name
		if len(docs) > 1 {
			name = fmt.Sprintf("%s[%d]", s.name, i)
		}
		r, err := attested(doc, name, s, req, h)
		if errors.Is(err, formats.ErrPredicate) && len(docs) > 1 {
			if req.Skipped != nil {
				req.Skipped(name, err.Error())
			}
			continue
		}
		if err != nil {
			for _, r := range out {
				r.abort()
			}
			if len(docs) > 1 {
				err = fmt.Errorf("attestation %d of the file: %w", i, err)
			}
			return nil, err
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: the file has %d attestations of other types", formats.ErrPredicate, len(docs))
	}
	return out, nil
}

// split gives the attestations of a file, each as its bytes stand there: one document, documents after another (JSON Lines), or a
// list with a bundle in each entry.
func split(text []byte) ([][]byte, error) {
	var docs [][]byte
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		v, err := dec.ReadValue()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read attestation %d of the file: %w", len(docs), err)
		}
		v = v.Clone()
		var list struct {
			Attestations []struct {
				Bundle jsontext.Value `json:"bundle"`
			} `json:"attestations"`
		}
		if err := json.Unmarshal(v, &list); err != nil {
			return nil, fmt.Errorf("read a list of attestations: %w", err)
		}
		if list.Attestations == nil {
			docs = append(docs, v)
		}
		for i, a := range list.Attestations {
			if a.Bundle.Kind() != '{' {
				return nil, fmt.Errorf("attestations[%d] has no bundle", i)
			}
			docs = append(docs, a.Bundle)
		}
		if len(docs) > maxAttestations {
			return nil, fmt.Errorf("a file with more than %d attestations; split it", maxAttestations)
		}
	}
	if len(docs) == 0 {
		return nil, errors.New("the file has no attestation")
	}
	if len(docs) == 1 && bytes.Equal(bytes.TrimSpace(text), docs[0]) {
		docs[0] = text // the file as it is: its digest is the one that other tools show
	}
	return docs, nil
}

// attested reads one attestation.
func attested(doc []byte, name string, s source, req Request, h *holder) (*reading, error) {
	e, err := req.Attestations(doc)
	if err != nil {
		return nil, err
	}
	if found, n := secrets.Find(e.Payload); n > 0 {
		return nil, fmt.Errorf("%w, in the signed statement: %s; it cannot be taken out without breaking the signature; "+
			"have the tool that writes it leave them out, and revoke them", ErrSecrets, places(found, n))
	}
	g := h.guard(bytes.NewReader(e.Predicate))
	g.redact = false
	f, report, err := formats.ReadPredicate(e.PredicateType, g.secrets, g.rows(io.Discard))
	if err = g.judge(err, name, &report); err != nil {
		return nil, err
	}
	if s.kind != "" && s.kind != f.Kind {
		return nil, fmt.Errorf("%w of kind %s: it is %s, which is kind %s; name it as %s:PATH or without a kind", formats.ErrUnknown, s.kind, f.Title, f.Kind, f.Kind)
	}
	r := &reading{raw: h.blob(), rows: h.blob(), item: evidence.Item{
		Kind: f.Kind, Format: f.Name, Tool: report.Tool, Summary: report.Summary, Warnings: report.Warnings.List(),
		Raw: evidence.Descriptor{Name: name, MediaType: e.MediaType}, Path: name,
		Attested: &evidence.Attested{PredicateType: e.PredicateType, Subjects: e.Subjects},
	}}
	if _, err := r.raw.Write(doc); err != nil {
		r.abort()
		return nil, err
	}
	return r, nil
}

package formats

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// VulnPredicate is the predicate type of cosign's attested scans: the report of a scanner under scanner.result.
const VulnPredicate = "https://cosign.sigstore.dev/attestation/vuln/v1"

// maxScan is the size of an attested scan in bytes, which is held in memory as a whole.
const maxScan = 64 << 20

// ErrPredicate says that no format is read from statements of a predicate type.
var ErrPredicate = errors.New("no known predicate type")

// Predicates are the predicate types that are read, sorted.
func Predicates() []string {
	out := []string{VulnPredicate}
	for _, f := range All() {
		out = append(out, f.Predicates...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ReadPredicate reads the predicate of a statement, to its last byte. The predicate type says what it is; where several formats
// have it, its content says which. Rows are written to w as one JSON document. Errors wrap ErrPredicate where the type is not known.
func ReadPredicate(predicateType string, r io.Reader, w io.Writer) (evidence.Format, evidence.Report, error) {
	if predicateType == VulnPredicate {
		return readVuln(r, w)
	}
	var of []evidence.Format
	for _, f := range All() {
		if slices.Contains(f.Predicates, predicateType) {
			of = append(of, f)
		}
	}
	buffered := bufio.NewReaderSize(r, evidence.HeadBytes)
	if len(of) > 1 {
		head, err := buffered.Peek(evidence.HeadBytes)
		if err != nil && err != io.EOF {
			return evidence.Format{}, evidence.Report{}, fmt.Errorf("read predicate: %w", err)
		}
		h := inspect(head)
		of = slices.DeleteFunc(of, func(f evidence.Format) bool { return !f.Match(h) })
		if len(of) != 1 {
			return evidence.Format{}, evidence.Report{}, fmt.Errorf("%w: the predicate of type %q is none of its formats, or of several", ErrUnknown, predicateType)
		}
	}
	if len(of) == 0 {
		return evidence.Format{}, evidence.Report{}, fmt.Errorf("%w: %.200q; evidence/README.md lists the known ones", ErrPredicate, predicateType)
	}
	f := of[0]
	rows := evidence.NewRows(w, f.Kind)
	report, err := f.Read(buffered, rows)
	if err == nil {
		err = rows.Close()
	}
	if err != nil {
		return f, evidence.Report{}, fmt.Errorf("read %s: %w", f.Title, err)
	}
	return f, report, nil
}

// readVuln reads the report of the scanner inside cosign's predicate.
func readVuln(r io.Reader, w io.Writer) (evidence.Format, evidence.Report, error) {
	none := evidence.Format{}
	text, err := io.ReadAll(io.LimitReader(r, maxScan+1))
	if err == nil && len(text) > maxScan {
		err = fmt.Errorf("it has more than %d MiB", maxScan>>20)
	}
	var p struct {
		Invocation jsontext.Value `json:"invocation"`
		Metadata   jsontext.Value `json:"metadata"`
		Scanner    struct {
			URI     string         `json:"uri"`
			Version string         `json:"version"`
			DB      jsontext.Value `json:"db"`
			Result  jsontext.Value `json:"result"`
		} `json:"scanner"`
	}
	if err == nil {
		err = json.Unmarshal(text, &p, json.RejectUnknownMembers(true))
	}
	if err == nil && p.Scanner.Result.Kind() != '{' {
		err = errors.New("scanner.result is missing: the scanner reports nothing")
	}
	if err != nil {
		return none, evidence.Report{}, fmt.Errorf("read cosign's vulnerability predicate: %w", err)
	}
	at, err := ScannedAt(text)
	if err != nil {
		return none, evidence.Report{}, fmt.Errorf("read cosign's vulnerability predicate: %w", err)
	}
	f, report, err := Read(bytes.NewReader(p.Scanner.Result), evidence.Scan, w)
	if err != nil {
		return f, evidence.Report{}, fmt.Errorf("read scanner.result of cosign's vulnerability predicate: %w", err)
	}
	report.At = at
	return f, report, nil
}

// telling are what the beginning of every attestation has one of; most reports have none, and are not looked at closer.
var telling = [][]byte{[]byte(`"payload`), []byte(`"dsseEnvelope"`), []byte(`"attestations"`), []byte("dev.sigstore.bundle")}

// ScannedAt is when an attested scan says that it was made, in RFC 3339; "" when it does not say. Tools that leave it out write the
// zero time of Go.
func ScannedAt(predicate []byte) (string, error) {
	var p struct {
		Metadata struct {
			Started  string `json:"scanStartedOn"`
			Finished string `json:"scanFinishedOn"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(predicate, &p); err != nil {
		return "", fmt.Errorf("read metadata: %w", err)
	}
	for _, text := range []string{p.Metadata.Finished, p.Metadata.Started} {
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return "", fmt.Errorf("read metadata: %q is no time", text)
		}
		if !t.IsZero() {
			return t.UTC().Format(time.RFC3339), nil
		}
	}
	return "", nil
}

// IsAttestation says whether a file that starts with head holds signed statements: Sigstore bundles or DSSE envelopes, one or
// more after another, or a list of them as GitHub and npm give it.
func IsAttestation(head []byte) bool {
	if !slices.ContainsFunc(telling, func(m []byte) bool { return bytes.Contains(head, m) }) {
		return false
	}
	h := inspect(head)
	if h.Syntax != evidence.JSON {
		return false
	}
	return isBundle(h) && !h.Has("messageSignature") || h.HasAny("dsseEnvelope.payloadType", "dsseEnvelope.payload", "attestations[].bundle") || h.Has("payloadType") && h.HasAny("payload", "signatures")
}

// isBundle says whether a file says of itself that it is a Sigstore bundle.
func isBundle(h evidence.Head) bool {
	return strings.HasPrefix(h.Text("mediaType"), "application/vnd.dev.sigstore.bundle")
}

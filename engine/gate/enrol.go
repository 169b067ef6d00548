package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/schemas"
)

// EnrolmentType is the predicate type of enrolments.
const EnrolmentType = "https://cdgate.dev/enrolment/v1"

// An enrolment is fresh for a month; clocks may differ by five minutes.
const (
	maxEnrolment  = 30 * 24 * time.Hour
	enrolmentSkew = 5 * time.Minute
)

// Enrolment is what somebody says about themselves to get into a gate definition. It is signed with the key that it is
// about, which proves that they have it, and nothing else: whoever adds it must know that it is from that person.
type Enrolment struct {
	Name      string   `json:"name"`
	Emails    []string `json:"emails"`
	Logins    []string `json:"logins"`
	PublicKey string   `json:"publicKey"`
	// At is when it was made, RFC 3339.
	At string `json:"at"`

	// Key is the key in PublicKey.
	Key seal.PublicKey `json:"-"`

	at time.Time
}

// Enrol signs an enrolment of the signer's key. Errors are of class fault.Usage.
func Enrol(e Enrolment, signer *seal.Signer, now time.Time) ([]byte, error) {
	if strings.TrimSpace(e.Name) == "" {
		return nil, fault.New(fault.Usage, "enrol: say who it is with --name")
	}
	key := signer.Public()
	if key.ID == "" {
		return nil, fault.New(fault.Usage, "enrol: a certificate is enrolled by its identity in gate.yaml, without a file")
	}
	e.PublicKey, e.At = key.PEM, rfc3339(now)
	b, err := json.Marshal(e, json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		return nil, fault.New(fault.Internal, "enrol: %w", err)
	}
	if err := schemas.ValidateJSON(schemas.Enrolment, "enrolment", b); err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	bundle, err := signer.Sign(seal.Statement{
		Type: seal.StatementType, PredicateType: EnrolmentType, Predicate: b,
		Subject: []seal.Subject{{Name: e.Name, Digest: map[string]string{"sha256": strings.TrimPrefix(seal.Digest([]byte(key.PEM)), "sha256:")}}},
	})
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	return bundle, nil
}

// OpenEnrolment reads an enrolment and demands that it is signed with the key that it is about, and that it is fresh. Errors
// are of class fault.Trust.
func OpenEnrolment(file string, bundle []byte, now time.Time) (*Enrolment, error) {
	e, err := ReadEnrolment(file, bundle)
	if err == nil {
		err = e.Fresh(file, now)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// ReadEnrolment is OpenEnrolment without asking how old it is.
func ReadEnrolment(file string, bundle []byte) (*Enrolment, error) {
	no := func(format string, args ...any) (*Enrolment, error) {
		return nil, fault.New(fault.Trust, "read enrolment %s: "+format, append([]any{file}, args...)...)
	}
	claim, err := seal.InspectUnsafe(bundle)
	if err != nil {
		return no("%w", err)
	}
	var e Enrolment
	if claim.Statement.PredicateType != EnrolmentType {
		return no("it is a %q, want %q", claim.Statement.PredicateType, EnrolmentType)
	}
	if err := json.Unmarshal(claim.Statement.Predicate, &e, json.RejectUnknownMembers(true)); err != nil {
		return no("%w", err)
	}
	if strings.TrimSpace(e.Name) == "" {
		return no("it says no name")
	}
	if err := schemas.ValidateJSON(schemas.Enrolment, file, claim.Statement.Predicate); err != nil {
		return no("%w", err)
	}
	if e.Key, err = seal.ParsePublicKey(file, []byte(e.PublicKey)); err != nil {
		return no("%w", err)
	}
	if _, err := seal.Open(bundle, e.Key); err != nil {
		return no("it is not signed with the key that it is about, so nothing says that its author has that key: %w", err)
	}
	if "sha256:"+claim.Statement.Subject[0].Digest["sha256"] != seal.Digest([]byte(e.PublicKey)) || e.PublicKey != e.Key.PEM {
		return no("it is about another key than the one in it")
	}
	if e.at, err = parseTime(e.At); err != nil {
		return no("%w", err)
	}
	return &e, nil
}

// Fresh demands that the enrolment was made at most 30 days before now.
func (e *Enrolment) Fresh(file string, now time.Time) error {
	switch age := now.Sub(e.at); {
	case age < -enrolmentSkew:
		return fault.New(fault.Trust, "read enrolment %s: it was made at %s, which is in the future; set the clock", file, e.At)
	case age > maxEnrolment:
		return fault.New(fault.Trust, "read enrolment %s: it was made at %s, and counts for 30 days; have them run cdgate keys enroll again", file, e.At)
	}
	return nil
}

// Until is how long it counts.
func (e *Enrolment) Until() time.Time { return e.at.Add(maxEnrolment) }

package seal

import (
	"strings"

	"github.com/go-json-experiment/json"
)

// decodeStatement reads the signed bytes: strict JSON (no duplicate or unknown member, no wrong case, no invalid UTF-8,
// nothing after the object), every member there, in the predicate too as far as JSON goes.
func decodeStatement(payload []byte) (*Statement, error) {
	var st Statement
	if err := json.Unmarshal(payload, &st, json.RejectUnknownMembers(true)); err != nil {
		return nil, malformed("statement: %w", err)
	}
	switch {
	case st.Type != StatementType:
		return nil, malformed("statement: _type is %q, want %q", st.Type, StatementType)
	case st.PredicateType == "":
		return nil, malformed("statement: predicateType is missing")
	case st.Predicate.Kind() != '{':
		return nil, malformed("statement: predicate is not an object")
	case len(st.Subject) == 0:
		return nil, malformed("statement: it has no subject")
	case len(st.Subject) > MaxSubjects:
		return nil, malformed("statement: it has %d subjects, more than the limit of %d", len(st.Subject), MaxSubjects)
	}
	for i, s := range st.Subject {
		if len(s.Digest) != 1 {
			return nil, malformed("statement: subject %d has %d digests, want 1", i, len(s.Digest))
		}
		for algorithm, value := range s.Digest {
			if !digestOK(algorithm, value) {
				return nil, malformed("statement: subject %d: digest %.20q: %.80q is neither sha256 nor gitCommit in lower-case hex",
					i, algorithm, value)
			}
		}
	}
	return &st, nil
}

func digestOK(algorithm, value string) bool {
	switch algorithm {
	case "sha256":
		return len(value) == 64 && isHex(value)
	case "gitCommit":
		return (len(value) == 40 || len(value) == 64) && isHex(value)
	}
	return false
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

package attestation

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

const typeSummary = "https://slsa.dev/verification_summary/v1"

// VerificationSummary is SLSA's verification summary (slsa.dev/spec/v1.2/verification_summary; 1.0 and 1.1 have the same form).
func VerificationSummary() evidence.Format {
	return evidence.Format{
		Name: "slsa-vsa-v1", Title: "SLSA verification summary v1", Kind: evidence.VerificationSummary, MediaType: "application/json",
		Predicates: []string{typeSummary},
		Recognised: "predicate type `" + typeSummary + "`",
		Tools:      "cdgate, Google, source tracks",
		Limits:     "only inside an attestation; levels of dependencies and digests of policies are not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.HasAny("verificationResult", "verifiedLevels") && h.HasAny("verifier.id", "resourceUri")
		},
		Read: readSummary,
	}
}

// slsaLevel is a level of a SLSA track.
var slsaLevel = regexp.MustCompile(`^SLSA_([A-Z]{1,32})_LEVEL_([0-9]{1,2})$`)

func readSummary(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	j := strictjson.New(r)
	o := &evidence.VerifierSummary{}
	err := j.Record(strictjson.Members{
		"verifier":    j.Record(strictjson.Members{"id": j.Into(&o.VerifierID), "version": j.Skip}),
		"resourceUri": j.Into(&o.ResourceURI), "verificationResult": j.IntoOneOf(&o.Result, "PASSED", "FAILED"),
		"policy": j.Record(strictjson.Members{"uri": j.Into(&o.PolicyURI), "digest": j.Skip}),
		"timeVerified": func() error {
			if null, err := j.Null(); null || err != nil {
				return err
			}
			return j.IntoTime(&o.TimeVerified)()
		},
		"slsaVersion": j.Into(&o.SLSAVersion), "dependencyLevels": j.Skip,
		"inputAttestations": j.List(func() error {
			o.Inputs++
			return j.Skip()
		}),
		"verifiedLevels": j.List(func() error {
			name, err := j.String()
			if err != nil {
				return err
			}
			o.Levels++
			row := evidence.VerifiedLevel{Name: name}
			if m := slsaLevel.FindStringSubmatch(name); m != nil {
				row.Track = m[1]
				row.Level, _ = strconv.ParseInt(m[2], 10, 64) // two digits
			}
			if err := rows.Row(row); err != nil {
				return j.Errorf("%w", err)
			}
			return nil
		}),
	})()
	if err == nil {
		err = j.End()
	}
	for _, m := range []struct{ name, value string }{{"verifier.id", o.VerifierID}, {"resourceUri", o.ResourceURI}, {"verificationResult", o.Result}} {
		if err == nil && m.value == "" {
			err = j.Errorf("%s is missing", m.name)
		}
	}
	if err == nil {
		err = checkTexts(o.VerifierID, o.ResourceURI, o.PolicyURI, o.SLSAVersion)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	var warn evidence.Warnings
	if o.TimeVerified == "" {
		warn.Add(evidence.BreaksFormat, "timeVerified", "it does not say when it was verified")
	}
	return evidence.Report{Tool: evidence.Tool{Name: o.VerifierID}, Summary: evidence.Summary{Verifier: o}, Warnings: warn, At: o.TimeVerified}, nil
}

// checkTexts refuses identifying texts that are too long.
func checkTexts(texts ...string) error {
	var errs []error
	for _, s := range texts {
		if len(s) > evidence.MaxName {
			errs = append(errs, fmt.Errorf("a text of %d bytes (%q…): more than %d is refused", len(s), s[:32], evidence.MaxName))
		}
	}
	return errors.Join(errs...)
}

package engine

import (
	"fmt"
	"strings"

	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
)

// vsaType is SLSA's verification summary, https://slsa.dev/spec/v1.2/verification_summary.
const vsaType = "https://slsa.dev/verification_summary/v1"

// verifierID names cdgate as the verifier of a summary.
const verifierID = "https://cdgate.dev/cdgate"

// allowLevel is the verified level of an artifact that may go to the target; own levels do not start with SLSA_.
const allowLevel = "CDGATE_ALLOW"

type vsa struct {
	Verifier           vsaVerifier   `json:"verifier"`
	TimeVerified       string        `json:"timeVerified"`
	ResourceURI        string        `json:"resourceUri"`
	Policy             vsaResource   `json:"policy"`
	InputAttestations  []vsaResource `json:"inputAttestations"`
	VerificationResult string        `json:"verificationResult"`
	VerifiedLevels     []string      `json:"verifiedLevels"`
	SLSAVersion        string        `json:"slsaVersion"`
}

type vsaVerifier struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version"`
}

type vsaResource struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

// summaryOf is the summary of a final decision with the digest. A summary knows only PASSED and FAILED, so a decision that waits
// for people, or that could not be made, has none.
func summaryOf(p record.Predicate, digest string) (v vsa, final bool) {
	r := p.Result
	v = vsa{
		Verifier:     vsaVerifier{ID: verifierID, Version: map[string]string{"cdgate": p.Engine.Cdgate, "opa": p.Engine.OPA}},
		TimeVerified: r.EvaluatedAt, SLSAVersion: "1.2",
		ResourceURI:    fmt.Sprintf("cdgate://%s/%s/%s@%s", r.Target.ID, r.Stage, r.Release.Name, r.Release.Version),
		Policy:         resource("gate.yaml", p.Inputs.GateBundle),
		VerifiedLevels: []string{}, InputAttestations: []vsaResource{resource("decision", digest)},
	}
	switch {
	case r.Outcome == "allow" && r.ExitCode == 0:
		v.VerificationResult, v.VerifiedLevels = "PASSED", []string{allowLevel}
	case r.Outcome == "block" && r.ExitCode == exitBlock:
		v.VerificationResult = "FAILED"
	default:
		return vsa{}, false
	}
	return v, true
}

// vsas are the signed summaries of a final decision, one for each artifact, by its digest.
func (s *session) vsas(d *durableRecord) (map[string][]byte, error) {
	r := d.predicate.Result
	v, final := summaryOf(d.predicate, d.digest)
	if code := permit(d); !final || code != 0 && code != exitBlock {
		return nil, nil
	}
	for i, it := range s.file.items {
		if i > 0 && s.file.items[i-1].ID == it.ID {
			continue // an attestation that is about several artifacts
		}
		v.InputAttestations = append(v.InputAttestations, resource(string(it.Kind), it.ID))
	}
	for _, so := range s.file.signoffs {
		v.InputAttestations = append(v.InputAttestations, resource("signoff", so.Digest))
	}
	out := map[string][]byte{}
	for _, a := range r.Release.Subjects {
		b, err := signStatement(s.o.Signer, vsaType, []seal.Subject{{Name: a.Name, Digest: sha256Set(a.Digest)}}, v)
		if err != nil {
			return nil, err
		}
		out[a.Digest] = b
	}
	return out, nil
}

func resource(uri, digest string) vsaResource {
	return vsaResource{URI: uri, Digest: sha256Set(digest)}
}

// sha256Set is a digest as in-toto writes it.
func sha256Set(digest string) map[string]string {
	return map[string]string{"sha256": strings.TrimPrefix(digest, "sha256:")}
}

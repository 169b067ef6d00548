// Package sbom holds the readers of bills of materials, one format per file.
package sbom

import (
	"strings"
	"time"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
)

// output counts components and writes their rows.
type output struct {
	rows *evidence.Rows
	warn evidence.Warnings
	sum  evidence.SBOMSummary
	// partial notes that the document says of itself that the list is incomplete.
	partial bool
	// at is when the document says that it was made.
	at string
}

// made notes when the document says that it was made: of several times the earliest, and rather than any what is no time at all,
// which nobody shall take for silence.
func (o *output) made(text string) {
	t, err := time.Parse(time.RFC3339, text)
	was, wrong := time.Parse(time.RFC3339, o.at)
	if text != "" && (o.at == "" || wrong == nil && (err != nil || t.Before(was))) {
		o.at = evidence.Cut(text)
	}
}

// add counts and writes one component. place says where it stands.
func (o *output) add(c evidence.Component, place func() string) error {
	o.sum.Components++
	if c.Version == "" {
		o.sum.WithoutVersion++
	}
	if len(c.Licences) > 0 {
		o.sum.WithLicence++
	}
	if c.PURL != "" {
		o.sum.WithPURL++
		if _, ok := purl.Parse(c.PURL); !ok {
			o.warn.Add(evidence.UnknownIdentifier, place(), "%q is no package URL", evidence.Cut(c.PURL))
		}
	}
	if c.Name == "" {
		o.warn.Add(evidence.UnknownIdentifier, place(), "a component without a name")
	}
	return o.rows.Component(c)
}

// report ends the count.
func (o *output) report(tool evidence.Tool) evidence.Report {
	if o.sum.Components == 0 && o.sum.Services == 0 {
		o.warn.Add(evidence.NothingMeasured, "", "the document lists no component and no service")
	}
	o.sum.Complete = !o.partial
	return evidence.Report{Tool: tool, Summary: evidence.Summary{SBOM: &o.sum}, Warnings: o.warn, At: o.at}
}

// says reports whether a licence says something.
func says(licence string) bool {
	l := strings.TrimSpace(licence)
	return l != "" && l != "NOASSERTION" && l != "NONE"
}

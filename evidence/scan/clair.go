package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Clair is the JSON of two clients of Clair: clair-scanner and Klar. Defcon1 is critical.
func Clair() evidence.Format {
	return evidence.Format{
		Name: "clair", Title: "Clair JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "`image` with `unapproved` and `vulnerabilities`; `LayerCount` with `Vulnerabilities`",
		Tools:      "clair-scanner, Klar",
		Limits:     "the JSON of clair-scanner and Klar, not that of Clair 4 itself",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("unapproved", "vulnerabilities") || h.Has("image", "vulnerabilities[].featurename") || h.Has("LayerCount"))
		},
		Read: readClair,
	}
}

func readClair(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "clair")
	layers, distribution := int64(0), ""
	bySeverity := func() error {
		s.f.PURL, distribution = purl.OfDistribution(distribution, s.f.Package, s.f.Version), ""
		if s.word == "Defcon1" {
			s.word = "critical"
		}
		return s.addBySeverity()
	}
	entry := s.finding(vulnerability, strictjson.Members{
		"vulnerability": s.Into(&s.f.ID), "featurename": s.Into(&s.f.Package), "featureversion": s.Into(&s.f.Version), "description": s.IntoMessage(&s.f.Title),
		"severity": s.Into(&s.word), "fixedby": s.Into(&s.f.FixedVersion), "namespace": s.Into(&distribution),
	}, bySeverity)
	klar := s.finding(vulnerability, strictjson.Members{
		"Name": s.Into(&s.f.ID), "FeatureName": s.Into(&s.f.Package), "FeatureVersion": s.Into(&s.f.Version), "Description": s.IntoMessage(&s.f.Title),
		"Severity": s.Into(&s.word), "FixedBy": s.Into(&s.f.FixedVersion), "NamespaceName": s.Into(&distribution),
	}, bySeverity)
	err := s.document(s.Record(strictjson.Members{
		"vulnerabilities": func() error {
			s.out.looked = true
			return s.ArrayOrNull(entry)
		},
		"unapproved":      s.Skip,
		"image":           s.Skip,
		"LayerCount":      s.IntoInt(&layers),
		"Vulnerabilities": s.Each(func(string) {}, s.List(klar)),
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = s.out.looked || layers > 0
	return s.out.report(s.tool), nil
}

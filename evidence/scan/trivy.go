package scan

import (
	"io"
	"strconv"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Trivy is the JSON of Trivy, schema 2 and the array of schema 1, and of its Kubernetes scans. Every vulnerability is a
// finding whatever its status; what a VEX document or ignore file took out is suppressed.
func Trivy() evidence.Format {
	return evidence.Format{
		Name: "trivy", Title: "Trivy JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "`SchemaVersion` or `Trivy` with `ArtifactName` or `Results`; an array of objects with `Target`; `ClusterName` with `Resources`",
		Tools:      "Trivy 0.1 and later",
		Limits:     "schema 2, the array of schema 1, and Kubernetes scans; packages and licences without a finding are not read, nor is code that a finding quotes",
		Match: func(h evidence.Head) bool {
			if h.Syntax != evidence.JSON || h.Has("runs") || h.Has("bomFormat") {
				return false
			}
			return h.HasAny("SchemaVersion", "Trivy", "ReportID", "ArtifactName") && h.HasAny("ArtifactName", "Results", "ArtifactType", "Metadata") ||
				h.Has("[].Target") && h.HasAny("[].Vulnerabilities", "[].Type", "[].Class", "[].Misconfigurations", "[].Secrets") ||
				h.Has("ClusterName") && h.HasAny("Resources", "Findings")
		},
		Read: readTrivy,
	}
}

// trivyReader is the state of one pass.
type trivyReader struct {
	json *strictjson.Reader
	out  output
	tool evidence.Tool
	top, result, finding, modified,
	anything *strictjson.Names
	target string
}

func readTrivy(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	t := &trivyReader{
		json: strictjson.New(r), out: output{rows: rows}, tool: evidence.Tool{Name: "trivy"},
		top:    strictjson.NewNames("SchemaVersion", "Trivy", "ArtifactName", "ArtifactType", "Results", "Resources", "Findings"),
		result: strictjson.NewNames("Target", "Class", "Type", "Vulnerabilities", "Misconfigurations", "Secrets", "Licenses", "ExperimentalModifiedFindings"),
		finding: strictjson.NewNames("VulnerabilityID", "VendorIDs", "PkgName", "PkgPath", "PkgIdentifier", "InstalledVersion", "FixedVersion",
			"Severity", "Title", "ID", "Status", "CauseMetadata", "RuleID", "StartLine", "Name", "FilePath", "PURL"),
		modified: strictjson.NewNames("Type", "Status", "Statement", "Source", "Finding"),
		anything: strictjson.NewNames(),
	}
	var err error
	if t.json.Kind() == '[' {
		err = t.json.Array(t.readResult)
	} else {
		err = t.json.Object(t.readTop)
	}
	if err == nil {
		err = t.json.End()
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return t.out.report(t.tool), nil
}

// readTop reads a member of the document.
func (t *trivyReader) readTop(name []byte) error {
	switch string(name) {
	case "SchemaVersion":
		n, err := t.json.Int()
		if err == nil && n != 2 {
			err = t.json.Errorf("schema version %d, want 2", n)
		}
		return err
	case "Trivy":
		return t.json.ObjectOrNull(func(name []byte) (err error) {
			if string(name) == "Version" {
				t.tool.Version, err = t.json.StringOrNull()
				return err
			}
			return t.json.Other(t.anything, name)
		})
	case "Results":
		return t.json.ArrayOrNull(t.readResult)
	case "Resources", "Findings":
		return t.json.ArrayOrNull(func() error {
			return t.json.Object(func(name []byte) error {
				if string(name) == "Results" {
					return t.json.ArrayOrNull(t.readResult)
				}
				return t.json.Other(t.top, name)
			})
		})
	}
	return t.json.Other(t.top, name)
}

// readResult reads what was found in one target.
func (t *trivyReader) readResult() error {
	t.out.looked = true
	t.target = ""
	return t.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "Target":
			t.target, err = t.json.StringOrNull()
			return err
		case "Vulnerabilities":
			return t.json.ArrayOrNull(func() error { return t.readFinding(vulnerability, open, "") })
		case "Misconfigurations":
			return t.json.ArrayOrNull(func() error { return t.readFinding(misconfiguration, open, "") })
		case "Secrets":
			return t.json.ArrayOrNull(func() error { return t.readFinding(secret, open, "") })
		case "Licenses":
			return t.json.ArrayOrNull(func() error { return t.readFinding(licence, open, "") })
		case "ExperimentalModifiedFindings":
			return t.json.ArrayOrNull(t.readModified)
		}
		return t.json.Other(t.result, name)
	})
}

// readModified reads a finding that a VEX document or an ignore file took out. The members that say why come before it.
func (t *trivyReader) readModified() error {
	category, why := vulnerability, ""
	return t.json.Object(func(name []byte) error {
		switch string(name) {
		case "Type":
			word, err := t.json.StringOrNull()
			if c, ok := map[string]string{"misconfiguration": misconfiguration, "secret": secret, "license": licence}[word]; ok {
				category = c
			}
			return err
		case "Status", "Statement", "Source":
			word, err := t.json.Message()
			if word != "" && why != "" {
				why += ": "
			}
			why += word
			return err
		case "Finding":
			return t.readFinding(category, suppressed, why)
		}
		return t.json.Other(t.modified, name)
	})
}

// readFinding reads one finding of any category; the names of their members do not overlap in meaning.
func (t *trivyReader) readFinding(category, status, why string) error {
	f := evidence.ScanFinding{Category: category, Status: status, Justification: why, Place: t.target}
	word, outcome, path, line := "", "", "", int64(0)
	err := t.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "VulnerabilityID", "RuleID":
			f.ID, err = t.json.StringOrNull()
		case "ID":
			if category == misconfiguration {
				f.ID, err = t.json.StringOrNull()
			} else {
				err = t.json.Skip()
			}
		case "Name":
			if category == licence {
				f.ID, err = t.json.StringOrNull()
			} else {
				err = t.json.Skip()
			}
		case "VendorIDs":
			f.Aliases, err = t.json.Strings()
		case "PkgName":
			f.Package, err = t.json.StringOrNull()
		case "PkgPath", "FilePath":
			path, err = t.json.StringOrNull()
		case "PkgIdentifier":
			err = t.readIdentifier(&f)
		case "InstalledVersion":
			f.Version, err = t.json.StringOrNull()
		case "FixedVersion":
			f.FixedVersion, err = t.json.StringOrNull()
		case "Severity":
			word, err = t.json.StringOrNull()
		case "Title":
			f.Title, err = t.json.Message()
		case "Status":
			outcome, err = t.json.StringOrNull()
		case "StartLine":
			line, err = t.json.Int()
		case "CauseMetadata":
			line, err = t.readCause()
		default:
			err = t.json.Other(t.finding, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if category == misconfiguration {
		switch outcome {
		case "PASS":
			return nil
		case "EXCEPTION":
			f.Status = suppressed
		}
	}
	if path != "" {
		f.Place = path
	}
	if line > 0 {
		f.Place += ":" + strconv.FormatInt(line, 10)
	}
	f.Severity = t.out.severity(word, t.json.Place)
	if err := t.out.add(f); err != nil {
		return t.json.Errorf("%w", err)
	}
	return nil
}

// readIdentifier reads the package URL of a finding.
func (t *trivyReader) readIdentifier(f *evidence.ScanFinding) error {
	return t.json.ObjectOrNull(func(name []byte) (err error) {
		if string(name) == "PURL" {
			f.PURL, err = t.json.StringOrNull()
			return err
		}
		return t.json.Other(t.anything, name)
	})
}

// readCause reads the line of a misconfiguration.
func (t *trivyReader) readCause() (line int64, err error) {
	err = t.json.ObjectOrNull(func(name []byte) (err error) {
		if string(name) == "StartLine" {
			line, err = t.json.Int()
			return err
		}
		return t.json.Other(t.anything, name)
	})
	return line, err
}

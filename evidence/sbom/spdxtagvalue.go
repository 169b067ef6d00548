package sbom

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence"
)

// SPDXTagValue is the tag-value form of SPDX 2.x: lines of "Tag: value", with values over several lines in <text>.
func SPDXTagValue() evidence.Format {
	return evidence.Format{
		Name: "spdx-tag-value", Title: "SPDX 2 tag-value", Kind: evidence.SBOM, MediaType: "text/spdx",
		Recognised: "a line `SPDXVersion: SPDX-2`",
		Tools:      "Syft, SPDX tools, REUSE, Yocto, tern",
		Limits:     "versions 2.x; as the JSON form",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.Text && (bytes.HasPrefix(h.Bytes, []byte("SPDXVersion:")) || bytes.Contains(h.Bytes, []byte("\nSPDXVersion:")))
		},
		Read: readSPDXTagValue,
	}
}

type spdxTags struct {
	out    output
	tool   evidence.Tool
	pkg    *evidence.Component
	line   int
	inText bool
}

func readSPDXTagValue(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	t := &spdxTags{out: output{rows: rows}}
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		t.line++
		line, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return evidence.Report{}, fmt.Errorf("line %d: longer than any line of a document", t.line)
		}
		if err != nil && err != io.EOF {
			return evidence.Report{}, fmt.Errorf("line %d: %w", t.line, err)
		}
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return evidence.Report{}, fmt.Errorf("line %d: bytes that are no UTF-8 text", t.line)
		}
		if lerr := t.tag(strings.TrimSpace(string(line))); lerr != nil {
			return evidence.Report{}, fmt.Errorf("line %d: %w", t.line, lerr)
		}
		if err == io.EOF {
			break
		}
	}
	if t.inText {
		return evidence.Report{}, errors.New("the document ends inside <text>: it was cut off")
	}
	if t.out.sum.SpecVersion == "" {
		return evidence.Report{}, errors.New("tag SPDXVersion is missing")
	}
	if err := t.endPackage(); err != nil {
		return evidence.Report{}, err
	}
	return t.out.report(t.tool), nil
}

func (t *spdxTags) place() string { return fmt.Sprintf("line %d", t.line) }

// endPackage counts the package that was read.
func (t *spdxTags) endPackage() error {
	if t.pkg == nil {
		return nil
	}
	p := *t.pkg
	t.pkg = nil
	return t.out.add(p, t.place)
}

// tag reads one line.
func (t *spdxTags) tag(line string) error {
	if t.inText {
		t.inText = !strings.Contains(line, "</text>")
		return nil
	}
	if line == "" || line[0] == '#' {
		return nil
	}
	tag, value, ok := strings.Cut(line, ":")
	if !ok {
		return fmt.Errorf("%q is no tag and value", evidence.Cut(line))
	}
	if err := t.known(tag); err != nil {
		return err
	}
	value = strings.TrimSpace(value)
	if rest, ok := strings.CutPrefix(value, "<text>"); ok {
		value, _, ok = strings.Cut(rest, "</text>")
		t.inText = !ok
	}
	switch tag {
	case "SPDXVersion":
		if t.out.sum.SpecVersion != "" {
			return errors.New("a second SPDXVersion: two documents in one file?")
		}
		if !strings.HasPrefix(value, "SPDX-2.") {
			return fmt.Errorf("version %q, want SPDX-2.x", evidence.Cut(value))
		}
		t.out.sum.SpecVersion = value
	case "Creator":
		if tool, ok := strings.CutPrefix(value, "Tool:"); ok && t.tool.Name == "" {
			t.tool = spdxTool(evidence.Cut(tool))
		}
	case "Relationship":
		t.out.sum.Dependencies++
	case "PackageName":
		err := t.endPackage()
		t.pkg = &evidence.Component{Name: value}
		return err
	case "FileName", "SnippetSPDXID", "LicenseID":
		return t.endPackage()
	}
	if t.pkg != nil {
		t.packageTag(tag, value)
	}
	return nil
}

// spdxTagNames are the tags that are read.
var spdxTagNames = []string{"SPDXVersion", "Creator", "Relationship", "PackageName", "FileName", "SnippetSPDXID", "LicenseID", "PackageVersion",
	"PrimaryPackagePurpose", "PackageLicenseDeclared", "ExternalRef"}

// known refuses a tag that only looks like one that is read.
func (t *spdxTags) known(tag string) error {
	for _, right := range spdxTagNames {
		if tag != right && (strings.EqualFold(tag, right) || evidence.Misspelt(tag, right, len(right))) {
			return fmt.Errorf("tag %q is in the wrong case or misspelt, the format has %q", evidence.Cut(tag), right)
		}
	}
	return nil
}

func (t *spdxTags) packageTag(tag, value string) {
	switch tag {
	case "PackageVersion":
		t.pkg.Version = value
	case "PrimaryPackagePurpose":
		t.pkg.Type = strings.ToLower(value)
	case "PackageLicenseDeclared":
		if says(value) {
			t.pkg.Licences = []string{evidence.Cut(value)}
		}
	case "ExternalRef":
		if f := strings.Fields(value); len(f) == 3 && f[1] == "purl" && t.pkg.PURL == "" {
			t.pkg.PURL = f[2]
		}
	}
}

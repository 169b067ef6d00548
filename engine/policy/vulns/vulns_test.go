package vulns

import (
	"reflect"
	"slices"
	"testing"
)

const zlib = "pkg:deb/debian/zlib1g@1.2.13?arch=amd64"

// found is an open finding of a scanner.
func found(tool, severity, id string, aliases ...string) Finding {
	return Finding{Item: "i-" + tool, Tool: tool, ID: id, Aliases: aliases, Severity: severity, Package: "zlib1g", Version: "1.2.13", PURL: zlib}
}

func with(f Finding, change func(*Finding)) Finding {
	change(&f)
	return f
}

func suppressed(f *Finding)         { f.Suppressed, f.Justification = true, "accepted" }
func withoutPURL(f *Finding)        { f.PURL = "" }
func named(s string) func(*Finding) { return func(f *Finding) { f.Package = s } }

// says is a statement that zlib is not affected by CVE-2024-1.
func says(change func(*Statement)) Statement {
	s := Statement{Item: "v", Author: "Acme", Signer: "ci", Complete: true, Vulnerability: "CVE-2024-1", Product: "pkg:deb/debian/zlib1g",
		Status: NotAffected, Justification: "component_not_present", At: "2026-01-01T00:00:00Z"}
	if change != nil {
		change(&s)
	}
	return s
}

func TestThreeScannersAreOneEntry(t *testing.T) {
	got := Merge([]Finding{
		with(found("osv", "unknown", "GHSA-aaaa-bbbb-cccc", "cve-2024-1", "PYSEC-1"), func(f *Finding) { f.PURL, f.FixedVersion = "", "1.3" }),
		with(found("grype", "high", "GHSA-AAAA-bbbb-cccc"), func(f *Finding) { f.PURL, f.FixedVersion = "pkg:deb/debian/zlib1g@1.2.13?distro=debian-12", "1.2.14" }),
		with(found("trivy", "critical", "CVE-2024-1"), func(f *Finding) { f.FixedVersion = "1.3" }),
	}, nil, nil)
	want := []*Entry{{
		ID: "CVE-2024-1", Aliases: []string{"GHSA-AAAA-bbbb-cccc", "PYSEC-1"}, Package: "zlib1g", Version: "1.2.13", PURL: zlib,
		FixedVersions: []string{"1.2.14", "1.3"}, Severity: "critical", Severities: []string{"critical", "high", "unknown"}, Status: Open,
		Sources: []Source{{Index: 1, Status: Open}, {Index: 0, Status: Open}, {Index: 2, Status: Open}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestGrouping says how many entries findings make, by id.
func TestGrouping(t *testing.T) {
	other := func(f *Finding) { f.PURL, f.Package = "pkg:deb/debian/curl@8", "curl" }
	for name, tt := range map[string]struct {
		findings []Finding
		want     []string
	}{
		"the same id":                     {[]Finding{found("a", "low", "GHSA-1"), found("b", "low", "ghsa-1")}, []string{"GHSA-1"}},
		"another package":                 {[]Finding{found("a", "low", "CVE-2024-1"), with(found("b", "low", "CVE-2024-1"), other)}, []string{"CVE-2024-1", "CVE-2024-1"}},
		"another version":                 {[]Finding{found("a", "low", "CVE-2024-1"), with(found("b", "low", "CVE-2024-1"), func(f *Finding) { f.Version = "2" })}, []string{"CVE-2024-1", "CVE-2024-1"}},
		"other qualifiers":                {[]Finding{found("a", "low", "CVE-2024-1"), with(found("b", "low", "CVE-2024-1"), func(f *Finding) { f.PURL = "pkg:deb/debian/zlib1g@1.2.13?arch=arm64" })}, []string{"CVE-2024-1"}},
		"epoch in one package URL":        {[]Finding{found("a", "low", "CVE-2024-1"), with(found("b", "low", "CVE-2024-1"), func(f *Finding) { f.PURL = "pkg:deb/debian/zlib1g@1%3A1.2.13" })}, []string{"CVE-2024-1"}},
		"no package URL":                  {[]Finding{found("a", "low", "CVE-2024-1"), with(found("b", "low", "CVE-2024-1"), withoutPURL)}, []string{"CVE-2024-1"}},
		"no package URL, another name":    {[]Finding{found("a", "low", "CVE-2024-1"), with(with(found("b", "low", "CVE-2024-1"), withoutPURL), named("curl"))}, []string{"CVE-2024-1", "CVE-2024-1"}},
		"neither package URL nor version": {[]Finding{found("a", "low", "CVE-2024-1"), with(found("b", "low", "CVE-2024-1"), func(f *Finding) { f.PURL, f.Version = "", "" })}, []string{"CVE-2024-1"}},
		"a range for a version":           {[]Finding{found("a", "low", "CVE-2024-1"), with(found("b", "low", "CVE-2024-1"), func(f *Finding) { f.PURL, f.Version = "", "<1.3" })}, []string{"CVE-2024-1"}},
		"Maven coordinates":               {[]Finding{with(found("a", "low", "CVE-2024-1"), func(f *Finding) { f.PURL, f.Package = "pkg:maven/g.x/a@1.2.13", "a" }), with(with(found("b", "low", "CVE-2024-1"), withoutPURL), named("g.x:a"))}, []string{"CVE-2024-1"}},
		"versions of Go":                  {[]Finding{with(found("a", "low", "CVE-2024-1"), func(f *Finding) { f.PURL, f.Version = "pkg:golang/x/y@v1.2.3", "v1.2.3" }), with(found("b", "low", "CVE-2024-1"), func(f *Finding) { f.PURL, f.Package, f.Version = "", "x/y", "1.2.3" })}, []string{"CVE-2024-1"}},
		"two packages fit":                {[]Finding{found("a", "low", "CVE-2024-1"), with(found("b", "low", "CVE-2024-1"), func(f *Finding) { f.PURL = "pkg:rpm/fedora/zlib1g@1.2.13" }), with(found("c", "low", "CVE-2024-1"), withoutPURL)}, []string{"CVE-2024-1", "CVE-2024-1", "CVE-2024-1"}},
		"no name, two places":             {[]Finding{{ID: "CVE-2024-1", Place: "a", Severity: "low"}, {ID: "CVE-2024-1", Place: "b", Severity: "low"}}, []string{"CVE-2024-1", "CVE-2024-1"}},
		"no id":                           {[]Finding{found("a", "low", ""), found("b", "low", "")}, []string{"", ""}},
		"an advisory with two CVEs":       {[]Finding{found("grype", "high", "ALAS-1", "CVE-2024-1", "CVE-2024-2"), found("trivy", "low", "CVE-2024-1")}, []string{"CVE-2024-1", "CVE-2024-2"}},
		"a CVE that names another":        {[]Finding{found("a", "high", "CVE-2024-1", "CVE-2024-2")}, []string{"CVE-2024-1"}},
		"a distribution's number":         {[]Finding{found("osv", "high", "DEBIAN-CVE-2024-1"), found("trivy", "low", "CVE-2024-1")}, []string{"CVE-2024-1"}},
		"a claim that CVEs are the same":  {[]Finding{found("a", "high", "CVE-2024-1"), found("a", "high", "CVE-2024-2"), found("evil", "low", "X-1", "CVE-2024-1", "CVE-2024-2")}, []string{"CVE-2024-1", "CVE-2024-2"}},
		"a claim that GHSAs are the same": {[]Finding{found("a", "high", "GHSA-1"), found("a", "high", "GHSA-2"), found("evil", "low", "X-1", "GHSA-1", "GHSA-2")}, []string{"GHSA-1", "GHSA-2", "X-1"}},
		"the same claim with a CVE":       {[]Finding{found("a", "high", "GHSA-1"), found("a", "high", "GHSA-2"), found("evil", "low", "CVE-2024-1", "GHSA-1", "GHSA-2")}, []string{"CVE-2024-1", "GHSA-1", "GHSA-2"}},
		"an id that two CVEs share":       {[]Finding{found("a", "high", "CVE-2024-1", "GHSA-1"), found("b", "high", "CVE-2024-2", "GHSA-1"), found("c", "low", "GHSA-1")}, []string{"CVE-2024-1", "CVE-2024-2", "GHSA-1"}},
		"the same row twice":              {[]Finding{found("a", "high", "CVE-2024-1"), found("a", "high", "CVE-2024-1")}, []string{"CVE-2024-1"}},
	} {
		var got []string
		for _, e := range Merge(tt.findings, nil, nil) {
			got = append(got, e.ID)
			if e.Status != Open {
				t.Errorf("%s: %s is %s", name, e.ID, e.Status)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// TestSilence holds each way of silencing a finding against the nearest that must not.
func TestSilence(t *testing.T) {
	digest, elsewhere := "sha256:aa", "sha256:bb"
	product := func(p, component string) func(*Statement) {
		return func(s *Statement) { s.Product, s.Component = p, component }
	}
	open := found("trivy", "high", "CVE-2024-1")
	for name, tt := range map[string]struct {
		findings   []Finding
		statements []Statement
		want       string
		disputed   bool
	}{
		"nothing said":                               {[]Finding{open}, nil, Open, false},
		"suppressed":                                 {[]Finding{with(open, suppressed)}, nil, Suppressed, false},
		"suppressed by one of two":                   {[]Finding{with(open, suppressed), found("grype", "low", "CVE-2024-1")}, nil, Open, false},
		"not affected":                               {[]Finding{open}, []Statement{says(nil)}, NotAffected, false},
		"another vulnerability":                      {[]Finding{open}, []Statement{says(func(s *Statement) { s.Vulnerability = "CVE-2024-11" })}, Open, false},
		"under its alias":                            {[]Finding{open}, []Statement{says(func(s *Statement) { s.Vulnerability, s.Aliases = "GHSA-1", []string{"cve-2024-1"} })}, NotAffected, false},
		"under the scanner's alias":                  {[]Finding{found("osv", "high", "OSV-1", "GHSA-1")}, []Statement{says(func(s *Statement) { s.Vulnerability = "GHSA-1" })}, NotAffected, false},
		"under an alias that another scanner claims": {[]Finding{found("npm", "high", "GHSA-1"), found("osv", "low", "CVE-2024-1", "GHSA-1")}, []Statement{says(nil)}, Open, false},
		"one CVE of an advisory of two":              {[]Finding{found("grype", "high", "ALAS-1", "CVE-2024-1", "CVE-2024-2")}, []Statement{says(func(s *Statement) { s.Vulnerability = "CVE-2024-2" })}, Open, false},
		"an advisory of two":                         {[]Finding{found("grype", "high", "ALAS-1", "CVE-2024-1", "CVE-2024-2")}, []Statement{says(func(s *Statement) { s.Vulnerability = "ALAS-1" })}, NotAffected, false},

		"product of this version":         {[]Finding{open}, []Statement{says(product("pkg:deb/debian/zlib1g@1.2.13", ""))}, NotAffected, false},
		"product of another version":      {[]Finding{open}, []Statement{says(product("pkg:deb/debian/zlib1g@1.2.12", ""))}, Open, false},
		"product of another arch":         {[]Finding{open}, []Statement{says(product("pkg:deb/debian/zlib1g?arch=arm64", ""))}, Open, false},
		"no product":                      {[]Finding{open}, []Statement{says(product("", ""))}, Open, false},
		"a product that is only a name":   {[]Finding{open}, []Statement{says(product("zlib1g", ""))}, Open, false},
		"the finding has no URL":          {[]Finding{with(open, withoutPURL)}, []Statement{says(nil)}, Open, false},
		"component":                       {[]Finding{open}, []Statement{says(product("", "pkg:deb/debian/zlib1g"))}, NotAffected, false},
		"component of the release":        {[]Finding{open}, []Statement{says(product("pkg:oci/app@"+digest, "pkg:deb/debian/zlib1g"))}, NotAffected, false},
		"component of another artifact":   {[]Finding{open}, []Statement{says(product("pkg:oci/app@"+elsewhere, "pkg:deb/debian/zlib1g"))}, Open, false},
		"component of a name":             {[]Finding{open}, []Statement{says(product("pkg:oci/app", "pkg:deb/debian/zlib1g"))}, Open, false},
		"another component":               {[]Finding{open}, []Statement{says(product("pkg:oci/app@"+digest, "pkg:deb/debian/curl"))}, Open, false},
		"a component that is a name":      {[]Finding{open}, []Statement{says(product("pkg:oci/app@"+digest, "zlib1g"))}, Open, false},
		"the release":                     {[]Finding{with(open, withoutPURL)}, []Statement{says(product("pkg:oci/app@"+digest, ""))}, NotAffected, false},
		"the release by its digest":       {[]Finding{open}, []Statement{says(func(s *Statement) { s.Product, s.Digest = "app", digest })}, NotAffected, false},
		"another digest":                  {[]Finding{open}, []Statement{says(func(s *Statement) { s.Product, s.Digest = "app", elsewhere })}, Open, false},
		"the package with another digest": {[]Finding{open}, []Statement{says(func(s *Statement) { s.Digest = elsewhere })}, Open, false},

		"no reason":                  {[]Finding{open}, []Statement{says(func(s *Statement) { s.Justification = " " })}, Open, false},
		"a reason in words":          {[]Finding{open}, []Statement{says(func(s *Statement) { s.Justification, s.Impact = "", "not called" })}, NotAffected, false},
		"a draft":                    {[]Finding{open}, []Statement{says(func(s *Statement) { s.Complete = false })}, Open, false},
		"fixed in this version":      {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status, s.Product = Fixed, "pkg:deb/debian/zlib1g@1.2.13" })}, Fixed, false},
		"fixed in some version":      {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status = Fixed })}, Open, false},
		"fixed in the release":       {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status, s.Component, s.Product = Fixed, s.Product, digest })}, Fixed, false},
		"affected":                   {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status = Affected })}, Affected, false},
		"somebody looks into it":     {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status = Investigated })}, Investigated, false},
		"unknown":                    {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status = "unknown" })}, Open, false},
		"suppressed and affected":    {[]Finding{with(open, suppressed)}, []Statement{says(func(s *Statement) { s.Status = Affected })}, Open, true},
		"suppressed and not":         {[]Finding{with(open, suppressed)}, []Statement{says(nil)}, Suppressed, false},
		"newer words of one author":  {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status = Affected }), says(func(s *Statement) { s.At = "2026-01-01T00:00:00.5Z" })}, NotAffected, false},
		"older words of one author":  {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status = Affected }), says(func(s *Statement) { s.At = "2025-12-31T23:59:59Z" })}, Affected, false},
		"words without a time":       {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status, s.At = Affected, "" }), says(nil)}, Open, true},
		"two authors":                {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status = Investigated }), says(func(s *Statement) { s.Author, s.At = "Eve", "2026-02-01T00:00:00Z" })}, Open, true},
		"one name, two signers":      {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status = Affected }), says(func(s *Statement) { s.Signer, s.At = "other", "2026-02-01T00:00:00Z" })}, Open, true},
		"two authors of one opinion": {[]Finding{open}, []Statement{says(func(s *Statement) { s.Status, s.Product = Fixed, "pkg:deb/debian/zlib1g@1.2.13" }), says(func(s *Statement) { s.Author = "Eve" })}, Fixed, false},
	} {
		// The statement about the alias of another scanner leaves that scanner's finding alone, so the entry counts.
		for _, e := range Merge(tt.findings, tt.statements, []string{digest}) {
			if e.ID == "CVE-2024-2" {
				continue // the other vulnerability of an advisory
			}
			if e.Status != tt.want || e.Disputed != tt.disputed {
				t.Errorf("%s: %s is %s (disputed %v), want %s (%v)", name, e.ID, e.Status, e.Disputed, tt.want, tt.disputed)
			}
			if silent := slices.Contains(worst[3:], e.Status); silent == (e.Justification == "") && tt.want != Fixed {
				t.Errorf("%s: %s with the justification %q", name, e.Status, e.Justification)
			}
		}
	}
}

// TestOneCVEOfAnAdvisory: the other one still counts.
func TestOneCVEOfAnAdvisory(t *testing.T) {
	got := Merge([]Finding{found("grype", "high", "ALAS-1", "CVE-2024-1", "CVE-2024-2")}, []Statement{says(nil)}, nil)
	if len(got) != 2 || got[0].Status != NotAffected || got[1].ID != "CVE-2024-2" || got[1].Status != Open || len(got[1].Statements) != 0 {
		t.Errorf("got %+v", got)
	}
}

// TestWhyStatementsAreIgnored: statements that change nothing are shown with the reason.
func TestWhyStatementsAreIgnored(t *testing.T) {
	got := Merge([]Finding{found("trivy", "high", "CVE-2024-1")}, []Statement{
		says(nil),
		says(func(s *Statement) { s.Item, s.At = "old", "2025-01-01T00:00:00Z" }),
		says(func(s *Statement) { s.Item, s.Justification = "mute", "" }),
		says(func(s *Statement) { s.Item, s.Complete = "draft", false }),
		says(func(s *Statement) { s.Item, s.Status = "any", Fixed }),
		says(func(s *Statement) { s.Item, s.Product = "other", "pkg:deb/debian/curl" }),
	}, nil)
	want := []Applied{{4, Unversioned}, {3, Incomplete}, {2, Unjustified}, {1, Superseded}, {0, ""}}
	if len(got) != 1 || !reflect.DeepEqual(got[0].Statements, want) {
		t.Errorf("got %+v", got)
	}
}

// TestStatementElsewhere: of many statements about other products an open entry shows the one that is closest, and an
// entry that does not count shows none.
func TestStatementElsewhere(t *testing.T) {
	other := func(item, product string) Statement {
		return says(func(s *Statement) { s.Item, s.Product = item, product })
	}
	elsewhere := []Statement{other("a", "pkg:deb/debian/curl"), other("b", ""), other("c", "pkg:deb/debian/zlib1g@1.2.12"), other("d", "pkg:deb/debian/zlib1g@1.2.11"),
		says(func(s *Statement) { s.Item, s.Product, s.Status = "0", "pkg:deb/debian/zlib1g@1.2.10", Affected }),
		says(func(s *Statement) {
			s.Item, s.Product, s.Vulnerability = "1", "pkg:deb/debian/zlib1g@1.2.10", "CVE-2024-2"
		})}
	finding := []Finding{found("trivy", "high", "CVE-2024-1")}
	for name, tt := range map[string]struct {
		statements []Statement
		want       []Applied
	}{
		"many":          {elsewhere, []Applied{{2, OtherProduct}}},
		"another":       {elsewhere[:2], []Applied{{0, OtherProduct}}},
		"affected":      {elsewhere[4:5], nil},
		"another CVE":   {elsewhere[5:], nil},
		"not counted":   {append(elsewhere[:4:4], says(nil)), []Applied{{4, ""}}},
		"ignored, too":  {append(elsewhere[:4:4], says(func(s *Statement) { s.Justification = "" })), []Applied{{4, Unjustified}, {2, OtherProduct}}},
		"said twice":    {[]Statement{says(func(s *Statement) { s.Justification = "" }), says(func(s *Statement) { s.Justification = "" })}, []Applied{{0, Unjustified}}},
		"investigation": {[]Statement{says(func(s *Statement) { s.Status, s.Product = Investigated, "pkg:deb/debian/curl" })}, []Applied{{0, OtherProduct}}},
	} {
		got := Merge(finding, tt.statements, nil)
		if len(got) != 1 || !slices.Equal(got[0].Statements, tt.want) {
			t.Errorf("%s: got %+v, want %v", name, got[0].Statements, tt.want)
		}
	}
}

func TestSeverities(t *testing.T) {
	for want, of := range map[string][]string{"critical": {"low", "unknown", "critical"}, "unknown": {"medium", "unknown"}, "high": {"unknown", "high"}, "info": {"info"}, "medium": {"info", "low", "medium"}} {
		var findings []Finding
		for _, severity := range of {
			findings = append(findings, found(severity, severity, "CVE-2024-1"))
		}
		got := Merge(findings, nil, nil)
		if len(got) != 1 || got[0].Severity != want || len(got[0].Severities) != len(of) {
			t.Errorf("%v: got %+v", of, got)
		}
	}
}

func TestNothing(t *testing.T) {
	if got := Merge(nil, []Statement{says(nil)}, nil); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

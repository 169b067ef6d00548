package scan

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// ZAP is the JSON and XML of the Zed Attack Proxy. Alerts count, not their instances; riskcode 3 to 0 is high to info, and
// confidence 0 (false positive) is suppressed.
func ZAP() evidence.Format {
	return evidence.Format{
		Name: "zap", Title: "ZAP", Kind: evidence.Scan, MediaType: "application/octet-stream",
		Recognised: "JSON with `@programName` or `site[].alerts`; XML with root element `OWASPZAPReport`",
		Tools:      "ZAP baseline, full and API scan",
		Limits:     "the traditional JSON and XML reports; instances of an alert are not counted; confidence 0 is suppressed",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (strings.Contains(h.Text("@programName"), "ZAP") || h.Has("site[].alerts")) ||
				h.Syntax == evidence.XML && strings.EqualFold(h.Root, "OWASPZAPReport")
		},
		Read: readZAP,
	}
}

// firstByte returns the first byte of a report that is no white space, and the report.
func firstByte(r io.Reader) (byte, io.Reader, error) {
	b := bufio.NewReaderSize(r, 4<<10)
	for n := 1; n <= 4<<10; n++ {
		head, err := b.Peek(n)
		if err != nil {
			return 0, b, nil // the reader of the format says what is wrong
		}
		if c := head[n-1]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, b, nil
		}
	}
	return 0, b, nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// zapRisk puts a riskcode into a bucket.
func (o *output) zapRisk(code string, place func() string) string {
	switch strings.TrimSpace(code) {
	case "3":
		return high
	case "2":
		return medium
	case "1":
		return low
	case "0":
		return info
	}
	o.warn.Add(evidence.UnknownSeverity, place(), "riskcode %q counts as unknown", evidence.Cut(code))
	return unknown
}

func readZAP(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	first, r, err := firstByte(r)
	if err != nil {
		return evidence.Report{}, err
	}
	if first == '<' {
		return readZAPXML(r, rows)
	}
	s := newJSONScan(r, rows, "zap")
	site, risk, confidence, plugin := "", "", "", ""
	alert := s.finding(code, strictjson.Members{
		"pluginid": s.IntoWord(&plugin), "alertRef": s.IntoWord(&s.f.ID), "name": s.IntoMessage(&s.f.Title), "riskcode": s.IntoWord(&risk), "confidence": s.IntoWord(&confidence),
	}, func() error {
		if s.f.ID == "" {
			s.f.ID = plugin
		}
		s.f.Place = site
		s.f.Severity = s.out.zapRisk(risk, s.Place)
		if confidence == "0" {
			s.f.Status, s.f.Justification = suppressed, "false positive"
		}
		risk, confidence, plugin = "", "", ""
		return s.add()
	})
	err = s.document(s.Record(strictjson.Members{
		"@version": s.IntoMessage(&s.tool.Version),
		"site": s.List(func() error {
			s.out.looked = true
			site = ""
			return s.Record(strictjson.Members{"@name": s.Into(&site), "alerts": s.List(alert)})()
		}),
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	return s.out.report(s.tool), nil
}

func readZAPXML(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return evidence.Report{}, err
	}
	out := output{rows: rows}
	tool := evidence.Tool{Name: "zap"}
	names := strictxml.NewNames("OWASPZAPReport", "site", "alerts", "alertitem", "riskcode", "confidence").Attributes("version", "name")
	err = names.Root(x, "OWASPZAPReport")
	if err == nil {
		version, _ := x.Attr("version")
		tool.Version = evidence.Cut(version)
		err = names.Children(x, func(name []byte) error {
			if string(name) != "site" {
				return nil
			}
			out.looked = true
			site, _ := x.Attr("name")
			return names.Children(x, func(name []byte) error {
				if string(name) != "alerts" {
					return nil
				}
				return names.Children(x, func(name []byte) error {
					if string(name) != "alertitem" {
						return nil
					}
					return zapAlert(x, names, &out, site)
				})
			})
		})
	}
	if err == nil {
		err = names.Finish(x)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return out.report(tool), nil
}

func zapAlert(x *strictxml.Reader, names *strictxml.Names, out *output, site string) error {
	f := evidence.ScanFinding{Category: code, Place: site}
	text := map[string]string{}
	err := names.Children(x, func(name []byte) (err error) {
		switch key := string(name); key {
		case "pluginid", "alertRef", "name", "alert", "riskcode", "confidence":
			text[key], err = names.Text(x)
		default:
			err = x.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	f.ID, f.Title = text["alertRef"], text["name"]
	if f.ID == "" {
		f.ID = text["pluginid"]
	}
	if f.Title == "" {
		f.Title = text["alert"]
	}
	f.Severity = out.zapRisk(text["riskcode"], x.Place)
	if text["confidence"] == "0" {
		f.Status, f.Justification = suppressed, "false positive"
	}
	if err := out.add(f); err != nil {
		return x.Errorf("%s", err)
	}
	return nil
}

package objective

import (
	"bytes"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
	"cdgate.dev/cdgate/schemas"
)

// OpenSLO is one file of OpenSLO documents, as YAML or JSON. The objectives of every document of kind SLO are rows; the other
// kinds are only counted.
func OpenSLO() evidence.Format {
	return evidence.Format{
		Name: "openslo", Title: "OpenSLO", Kind: evidence.Objective, MediaType: "application/yaml",
		Recognised: "a line `apiVersion: openslo/…`; JSON with `apiVersion` `openslo/…`",
		Tools:      "OpenSLO, oslo, Sloth, Nobl9, Pyrra",
		Limits:     "`openslo/v1` and `openslo/v1alpha`, at most 1 MiB; no anchors, aliases or tags in YAML; objectives of SLOs only; indicators are not evaluated",
		Match: func(h evidence.Head) bool {
			switch h.Syntax {
			case evidence.JSON:
				return strings.HasPrefix(h.Text("apiVersion"), "openslo/")
			case evidence.Text:
				return openSLOLine.Match(h.Bytes)
			}
			return false
		},
		Read: readOpenSLO,
	}
}

// openSLOLine is the line by which a file of OpenSLO is known.
var openSLOLine = regexp.MustCompile(`(?m)^apiVersion:[ \t]+["']?openslo/`)

// openSLOKinds are the kinds of documents.
var openSLOKinds = []string{"SLO", "SLI", "Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget"}

// openSLOMethods are the ways in which an error budget is spent.
var openSLOMethods = []string{"Occurrences", "Timeslices", "RatioTimeslices"}

// sloReader is the state of one pass.
type sloReader struct {
	json     *strictjson.Reader
	out      output
	n        int
	versions []string
	names    []string
}

func readOpenSLO(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	src, err := io.ReadAll(io.LimitReader(r, evidence.MaxReportBytes))
	if err != nil {
		return evidence.Report{}, err
	}
	docs, err := schemas.YAMLDocuments("YAML", src)
	if err != nil {
		return evidence.Report{}, err
	}
	o := &sloReader{out: newOutput(rows)}
	for _, doc := range docs {
		if string(doc) == "null" {
			continue // a line --- with nothing behind it
		}
		o.n++
		o.json = strictjson.New(bytes.NewReader(doc))
		if err := o.document(); err != nil {
			return evidence.Report{}, fmt.Errorf("document %d: %w", o.n, err)
		}
	}
	s := &o.out.sum
	s.Documents, s.SpecVersion = int64(o.n), strings.Join(o.versions, ", ")
	if len(o.names) == 1 {
		s.Name = o.names[0]
	}
	return o.out.report(evidence.Tool{}), nil
}

// slo is one document while it is read; what only an SLO has is read whatever its kind, which may stand behind it.
type slo struct {
	version, kind, name, service, method string
	window                               sloWindow
	backend                              []string
	objectives                           []sloObjective
}

// sloWindow is the first time window of an SLO: "2w" of version 1, a count of units of version 1alpha.
type sloWindow struct{ duration, count, unit string }

// String gives a window as people write it.
func (w sloWindow) String() string {
	if w.duration != "" {
		return w.duration
	}
	return strings.TrimSpace(w.count + " " + w.unit)
}

// sloObjective is one objective. target is a ratio, percent the same in percent; a document has one of them.
type sloObjective struct {
	name            string
	target, percent *big.Rat
	backend         []string
}

// document reads one document.
func (o *sloReader) document() error {
	d := &slo{}
	j := o.json
	window := o.windows(d)
	err := j.Record(strictjson.Members{
		"apiVersion": j.Into(&d.version),
		"kind":       j.Into(&d.kind),
		"metadata":   j.Record(strictjson.Members{"name": j.Into(&d.name)}),
		"spec": j.Record(strictjson.Members{
			"service": j.OnlyIf('"', j.Into(&d.service)), "budgetingMethod": j.OnlyIf('"', j.Into(&d.method)),
			"timeWindow": window, "timeWindows": window,
			"objectives": o.objectives(d),
			"indicator":  o.indicator(&d.backend),
		}),
	})()
	if err == nil {
		err = j.End()
	}
	if err != nil {
		return err
	}
	if d.version != "openslo/v1" && d.version != "openslo/v1alpha" {
		return j.Errorf("apiVersion %q, want openslo/v1 or openslo/v1alpha", evidence.Cut(d.version))
	}
	if !slices.Contains(openSLOKinds, d.kind) {
		return j.Errorf("kind %q, want one of %s", evidence.Cut(d.kind), strings.Join(openSLOKinds, ", "))
	}
	if d.name == "" {
		return j.Errorf("metadata.name is missing")
	}
	if !slices.Contains(o.versions, d.version) {
		o.versions = append(o.versions, d.version)
	}
	if d.kind != "SLO" {
		return nil
	}
	return o.write(d)
}

// windows returns the function that reads the time windows, of which an SLO has one.
func (o *sloReader) windows(d *slo) func() error {
	j, n := o.json, 0
	var w sloWindow
	read := j.Record(strictjson.Members{"duration": j.IntoWord(&w.duration), "count": j.IntoWord(&w.count), "unit": j.IntoWord(&w.unit)})
	return j.List(func() error {
		w = sloWindow{}
		if n++; n > 1 {
			return j.Errorf("a second time window: which of them counts?")
		}
		err := read()
		d.window = w
		return err
	})
}

// objectives returns the function that reads the objectives.
func (o *sloReader) objectives(d *slo) func() error {
	j := o.json
	var s sloObjective
	ratio := j.Record(strictjson.Members{"good": o.source(&s.backend), "bad": o.source(&s.backend), "total": o.source(&s.backend)})
	read := j.Record(strictjson.Members{
		"displayName": j.Into(&s.name), "target": number(j, &s.target), "targetPercent": number(j, &s.percent),
		"ratioMetrics": ratio, "indicator": o.indicator(&s.backend),
	})
	return j.List(func() error {
		s = sloObjective{}
		if err := read(); err != nil {
			return err
		}
		if s.target != nil && s.percent != nil {
			return j.Errorf("target and targetPercent: which of them counts?")
		}
		d.objectives = append(d.objectives, s)
		return nil
	})
}

// indicator returns the function that notes where the numbers of an indicator come from.
func (o *sloReader) indicator(backend *[]string) func() error {
	j := o.json
	return j.Record(strictjson.Members{"spec": j.Record(strictjson.Members{
		"thresholdMetric": o.source(backend),
		"ratioMetric": j.Record(strictjson.Members{
			"good": o.source(backend), "bad": o.source(backend), "total": o.source(backend), "raw": o.source(backend),
		}),
	})})
}

// source returns the function that notes where one metric comes from.
func (o *sloReader) source(backend *[]string) func() error {
	j, name := o.json, ""
	read := j.Record(strictjson.Members{
		"metricSource": j.Record(strictjson.Members{"type": j.OnlyIf('"', j.Into(&name))}),
		"source":       j.OnlyIf('"', j.Into(&name)),
	})
	return func() error {
		name = ""
		err := read()
		if name != "" && !slices.Contains(*backend, name) {
			*backend = append(*backend, name)
		}
		return err
	}
}

// write writes the objectives of an SLO.
func (o *sloReader) write(d *slo) error {
	o.names = append(o.names, d.name)
	place := "document " + fmt.Sprint(o.n)
	if !slices.Contains(openSLOMethods, d.method) {
		o.out.warn.Add(evidence.BreaksFormat, place, "the budgeting method of %q is %q, want one of %s", evidence.Cut(d.name), evidence.Cut(d.method), strings.Join(openSLOMethods, ", "))
	}
	if len(d.objectives) == 0 {
		o.out.warn.Add(evidence.BreaksFormat, place, "the SLO %q has no objective", evidence.Cut(d.name))
	}
	for i, s := range d.objectives {
		at := fmt.Sprintf("%s, spec.objectives[%d]", place, i)
		row := evidence.ObjectiveRow{Name: s.name, Group: d.name, Service: d.service, Target: o.target(s, at), Window: d.window.String(), Method: d.method,
			Backend: strings.Join(slices.Concat(d.backend, s.backend), ", ")}
		if row.Name == "" {
			row.Name = d.name
		}
		if err := o.out.add(row); err != nil {
			return fmt.Errorf("spec.objectives[%d]: %w", i, err)
		}
	}
	return nil
}

// target returns the wanted ratio in percent.
func (o *sloReader) target(s sloObjective, place string) evidence.Measure {
	percent := s.percent
	if s.target != nil {
		percent = new(big.Rat).Mul(s.target, big.NewRat(100, 1))
	}
	switch {
	case percent == nil:
		o.out.warn.Add(evidence.BreaksFormat, place, "an objective without target")
	case percent.Cmp(big.NewRat(100, 1)) == 0:
		o.out.warn.Add(evidence.BreaksFormat, place, "a target of 100 %%, which leaves no error budget; OpenSLO wants less")
	}
	return o.out.percent(percent, place, "the target")
}

package metrics

import (
	"io"

	"cdgate.dev/cdgate/evidence/strictxml"
)

// jmeterXML is the XML form of the results.
type jmeterXML struct {
	*jmeterReader
	x     *strictxml.Reader
	names *strictxml.Names
}

// readXML reads results in XML.
func (j *jmeterReader) readXML(r io.Reader) error {
	x, err := strictxml.New(r)
	if err != nil {
		return err
	}
	d := &jmeterXML{j, x, strictxml.NewNames("testResults", "sample", "httpSample", "sampleResult")}
	if err := d.names.Root(x, "testResults"); err != nil {
		return err
	}
	if err := d.names.Children(x, func(name []byte) error { return d.sample(name, true) }); err != nil {
		return err
	}
	return d.names.Finish(x)
}

// sample reads a sample, which counts, or one inside another, which does not.
func (d *jmeterXML) sample(name []byte, counted bool) error {
	switch string(name) {
	case "sample", "httpSample":
	case "sampleResult":
		return d.x.Errorf("<sampleResult> is of the results of JMeter 1, want <sample> or <httpSample>; let a newer JMeter write the results")
	default:
		if counted {
			return d.x.Errorf("<%s>, want <sample> or <httpSample>", name)
		}
		return nil // headers, assertions and answers of the sample around it
	}
	group, err := d.count(string(name) == "sample", counted)
	if err != nil {
		return err
	}
	return d.names.Children(d.x, func(name []byte) error {
		if inner := string(name); inner != "sample" && inner != "httpSample" && inner != "sampleResult" {
			return nil
		}
		return d.sample(name, counted && group)
	})
}

// count counts the current element and reports whether it is a transaction, whose samples stand in its place.
func (d *jmeterXML) count(mayGroup, counted bool) (group bool, err error) {
	if !counted {
		d.nested++
		return false, nil
	}
	label, named := d.x.Attr("lb")
	success, _ := d.x.Attr("s")
	text, _ := d.x.Attr("t")
	if !named {
		return false, d.x.Errorf("a sample without label (lb)")
	}
	ok, err := verdict(success)
	if err != nil {
		return false, d.x.Errorf("attribute s: %s", err)
	}
	ms, err := d.elapsed(text, d.x.Place())
	if err != nil {
		return false, d.x.Errorf("attribute t: %s", err)
	}
	message, _ := d.x.Attr("rm")
	if data, _ := d.x.Attr("dt"); mayGroup && data == "" && transaction.MatchString(message) {
		d.transactions++
		return true, nil
	}
	at, _ := d.x.Attr("ts")
	if err := d.add(jmeterSample{label: label, at: moment(at), elapsed: ms, ok: ok}); err != nil {
		return false, d.x.Errorf("%s", err)
	}
	return false, nil
}

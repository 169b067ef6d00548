package tests

import (
	"bytes"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// What the children of a case say, in order: the worst one wins.
const (
	sayNothing = iota
	saySkipped
	sayFailure
	sayError
)

// testcase reads one test.
func (j *junitReader) testcase() error {
	c := &j.one
	worst, micros, err := j.caseAttributes(c)
	if err != nil {
		return err
	}
	if !j.x.Ended() {
		if worst, err = j.caseChildren(c, worst); err != nil {
			return err
		}
	}
	c.Status = [...]string{passed, skipped, failed, errored}[worst]
	c.Flaky = c.Flaky && worst == sayNothing
	c.DurationMillis = millis(micros)
	j.all.add(c.Status, c.Flaky, micros)
	if err := j.rows.CaseNamed(c, j.name); err != nil {
		return j.x.Errorf("%s", err)
	}
	return nil
}

// caseChildren reads what stands in a case. Flaky is set where a try before the last one failed.
func (j *junitReader) caseChildren(c *evidence.TestCase, worst int) (int, error) {
	rerun, line, depth := false, 0, j.x.Depth()
	for {
		ev, err := j.x.Next()
		if err != nil {
			return worst, err
		}
		if ev == strictxml.End && j.x.Depth() == depth {
			break
		}
		if ev == strictxml.Text && !j.x.Blank() {
			j.stray("a test")
		}
		if ev != strictxml.Start {
			continue
		}
		if _, err := j.names.Known(j.x); err != nil {
			return worst, err
		}
		say := sayNothing
		switch name := j.x.Name(); string(name) {
		case "failure":
			say = sayFailure
		case "error":
			say = sayError
		case "skipped":
			say = saySkipped
		case "flakyFailure", "flakyError":
			c.Flaky = true
		case "rerunFailure", "rerunError":
			rerun, line = true, j.x.Line()
		case "testcase", "testsuite", "testsuites":
			return worst, j.x.Errorf("<%s> inside a <testcase>", name)
		default:
			j.unread(name, "a test")
			if err := j.names.SkipOther(j.x); err != nil {
				return worst, err
			}
			continue
		}
		message, err := j.message()
		if err != nil {
			return worst, err
		}
		if say > worst || say == worst && c.Message == "" {
			worst, c.Message = say, message
		}
	}
	if rerun && !c.Flaky && worst < sayFailure {
		j.warn.Add(evidence.BreaksFormat, place(line), "a re-run that failed, in a test that did not: counted as failed")
		worst = sayFailure
	}
	return worst, nil
}

// caseAttributes reads the start tag of a case.
func (j *junitReader) caseAttributes(c *evidence.TestCase) (worst int, micros int64, err error) {
	*c, j.name = evidence.TestCase{}, j.name[:0]
	var class []byte
	attrs := j.x.Attrs()
	for i := range attrs {
		a := &attrs[i]
		switch string(a.Name) {
		case "name":
			j.name = append(j.name, a.Value...)
		case "classname":
			class = a.Value
		case "time":
			n, ok := seconds(a.Value)
			if !ok && len(a.Value) > 0 {
				j.warn.Add(evidence.BadNumber, j.x.Place(), "duration %q is no usable number", evidence.Cut(string(a.Value)))
			}
			micros = n
		case "status", "result":
			worst = max(worst, junitStatus(a.Value))
		default:
			if err := j.attrs.OtherAttribute(j.x, a.Name); err != nil {
				return worst, micros, err
			}
		}
	}
	if string(class) != j.class {
		j.class = string(class)
	}
	c.Suite = j.class
	if c.Suite == "" && len(j.suite) > 0 {
		c.Suite = j.suite[len(j.suite)-1].name
	}
	return worst, micros, nil
}

// junitStatus reads the attributes status and result, which some tools write beside or instead of children. A word that
// says nothing bad says nothing.
func junitStatus(word []byte) int {
	switch string(bytes.ToLower(word)) {
	case "notrun", "disabled", "skipped", "suppressed", "ignored":
		return saySkipped
	case "fail", "failed", "failure":
		return sayFailure
	case "error", "errored", "broken":
		return sayError
	}
	return sayNothing
}

// message reads a result element to its end and returns its message attribute, or else the beginning of its text.
func (j *junitReader) message() (string, error) {
	message, _ := j.x.Attr("message")
	message = evidence.Cut(message)
	var text []byte
	depth := j.x.Depth()
	for {
		ev, err := j.x.Next()
		switch {
		case err != nil:
			return "", err
		case ev == strictxml.End && j.x.Depth() == depth:
			if message == "" {
				message = strictxml.Message(text)
			}
			return message, nil
		case ev == strictxml.Text && message == "":
			text = strictxml.AppendMessage(text, j.x.Text())
		case ev == strictxml.Start:
			if known, err := j.names.Known(j.x); err != nil {
				return "", err
			} else if known {
				return "", j.x.Errorf("<%s> inside another result", j.x.Name())
			}
		}
	}
}

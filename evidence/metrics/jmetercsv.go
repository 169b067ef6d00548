package metrics

import (
	"errors"
	"io"

	"cdgate.dev/cdgate/evidence"
)

// readCSV reads results with a header line.
func (j *jmeterReader) readCSV(r io.Reader, head []byte) error {
	line := firstLine(head)
	comma := jmeterColumns(line)
	if comma == "" {
		return errors.New("the first line names no columns, so that what they mean is not in the file; set jmeter.save.saveservice.print_field_names=true")
	}
	t, err := newTable(r, rune(comma[0]), "elapsed", "label", "success", "timeStamp", "responseMessage", "dataType")
	if err != nil {
		return err
	}
	elapsed, label, success := t.column("elapsed"), t.column("label"), t.column("success")
	if label < 0 || success < 0 {
		return errors.New("line 1: there is no column label or no column success; set jmeter.save.saveservice.label and .successful to true")
	}
	at, message, data := t.column("timeStamp"), t.column("responseMessage"), t.column("dataType")
	for {
		more, err := t.next()
		if err != nil || !more {
			return err
		}
		ok, err := verdict(t.field(success))
		if err != nil {
			return t.errorf("column success: %w", err)
		}
		ms, err := j.elapsed(t.field(elapsed), t.place())
		if err != nil {
			return t.errorf("column elapsed: %w", err)
		}
		if t.field(data) == "" && transaction.MatchString(t.field(message)) {
			j.transactions++
			continue
		}
		if err := j.add(jmeterSample{label: t.field(label), at: moment(t.field(at)), elapsed: ms, ok: ok}); err != nil {
			return t.errorf("%w", err)
		}
	}
}

// verdict reads whether a sample was successful. There is no third answer.
func verdict(text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New(`want true or false, found "` + evidence.Cut(text) + `"`)
}

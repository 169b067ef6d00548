package change

import (
	"io"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// ServiceNowChange is what ServiceNow says about one change request or a list of them: the change API, or the table API with
// values (sysparm_display_value false or all). An approved change may not run while its state is New, Assess or
// Authorize, or while it is on hold.
func ServiceNowChange() evidence.Format {
	return evidence.Format{
		Name: "servicenow-change", Title: "ServiceNow changes", Kind: evidence.Change, MediaType: "application/json",
		Recognised: "`result` with `number` and `approval`, `state` or `sys_class_name`, alone or in an array; with the kind given, `result`",
		Tools:      "ServiceNow change API and table API",
		Limits:     "display values alone are refused (they are translated, and their times have no zone); states other than those of the change model are unknown",
		Match: func(h evidence.Head) bool {
			if h.Syntax != evidence.JSON {
				return false
			}
			for _, at := range []string{"result.", "result[]."} {
				if h.Has(at+"number") && h.HasAny(at+"approval", at+"state", at+"sys_class_name") || h.Has(at+"approval", at+"state") {
					return true
				}
			}
			return h.Has("error.message", "error.detail", "status")
		},
		MatchNamed: func(h evidence.Head) bool { return h.Has("result") },
		Read:       readServiceNowChange,
	}
}

// serviceNowStates are the states of ServiceNow's change model.
var serviceNowStates = map[string]string{
	"-5": isNew, "-4": isNew, "-3": isNew, "-2": scheduled, "-1": inProgress, "0": inProgress, "3": done, "4": cancelled,
}

// serviceNowApprovals are the values of the field approval.
var serviceNowApprovals = map[string]string{
	"approved": approved, "rejected": declined, "requested": pending,
	"": none, "not requested": none, "not_required": none, "cancelled": none, "duplicate": none,
}

// serviceNowField is a field: its value, and the text that people see.
type serviceNowField struct {
	value, display string
	there          bool
}

// serviceNowRecord is one change request.
type serviceNowRecord struct {
	number, kind, title, state, approval, hold, class, closed, start, end serviceNowField
}

func readServiceNowChange(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	t := newTickets(r, rows, "servicenow")
	var list []serviceNowRecord
	var one serviceNowRecord
	members := t.change(&one)
	many, single := platform.Objects(t.Reader, &list, &one, members), platform.Object(t.Reader, &one, members)
	problem := ""
	var answered bool
	err := t.Record(strictjson.Members{
		"result": t.Known(&answered, func() error {
			if t.Kind() == '[' {
				return many()
			}
			err := single()
			list = append(list, one)
			return err
		}),
		"error": func() error {
			if err := t.Record(strictjson.Members{"message": t.IntoMessage(&problem)})(); err != nil {
				return err
			}
			return t.Errorf("ServiceNow answered with an error: %s", problem)
		},
	})()
	if err != nil {
		return evidence.Report{}, err
	}
	if !answered {
		return evidence.Report{}, t.Errorf("no result in it")
	}
	if t.FullPage(len(list), "changes", 100, 500, 1000, 10_000) {
		t.sum.Complete = false
	}
	for _, one := range list {
		if err := t.addChange(one); err != nil {
			return evidence.Report{}, err
		}
	}
	return t.report()
}

// change says how a change request is read into *one.
func (t *tickets) change(one *serviceNowRecord) strictjson.Members {
	return strictjson.Members{
		"number": t.field(&one.number), "type": t.field(&one.kind), "short_description": t.field(&one.title), "state": t.field(&one.state),
		"approval": t.field(&one.approval), "on_hold": t.field(&one.hold), "sys_class_name": t.field(&one.class), "close_code": t.field(&one.closed),
		"start_date": t.field(&one.start), "end_date": t.field(&one.end),
	}
}

// field returns a function that reads a field, which is a value, or an object with the value and what people see.
func (t *tickets) field(f *serviceNowField) func() error {
	object := t.Record(strictjson.Members{"value": t.Scalar(&f.value), "display_value": t.Scalar(&f.display)})
	plain := t.Scalar(&f.value)
	return func() error {
		f.there = true
		if t.Kind() == '{' {
			return object()
		}
		return plain()
	}
}

// addChange turns a change request into a row.
func (t *tickets) addChange(one serviceNowRecord) error {
	state := one.state.value
	if f, err := strconv.ParseFloat(state, 64); err == nil { // -5.0 is -5
		state = strconv.FormatFloat(f, 'f', -1, 64)
	} else if one.state.there {
		return t.Errorf("%s: the state %q is no number; collect with sysparm_display_value=all", one.number.value, evidence.Cut(one.state.value+one.state.display))
	}
	key := one.number.value
	if !one.approval.there || !one.hold.there {
		t.missing("%s: no field approval or on_hold; ask for both", key)
	}
	hold := one.hold.value == "true" || one.hold.value == "1"
	if !hold && one.hold.there && one.hold.value != "false" && one.hold.value != "0" && one.hold.value != "" {
		t.Status(nil, one.hold.value, key+" on_hold")
		hold = true
	}
	if class := one.class.value; class != "" && class != "change_request" && !strings.HasPrefix(class, "change_request_") {
		t.Warn.Add(evidence.BreaksFormat, key, "a %s, not a change_request", evidence.Cut(class))
	}
	status := one.state.display
	if status == "" {
		status = state
	}
	return t.add(evidence.ChangeTicket{
		Key: key, Type: one.kind.value, Title: one.title.value, Status: status, Category: t.Status(serviceNowStates, state, key+" state"),
		Resolution: one.closed.value, Approval: t.Status(serviceNowApprovals, one.approval.value, key+" approval"), Approvers: []string{},
		OnHold: hold, Start: t.Time(one.start.value, key+" start_date"), End: t.Time(one.end.value, key+" end_date"),
	})
}

package metrics

import (
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// firing is the state of an alert whose condition has lasted long enough.
const firing = "firing"

// alert is one active alert while it is read.
type alert struct {
	labels              map[string]string
	state, since, value string
}

// alert returns a function that reads one alert into a.
func (p *promReader) alert(a *alert, done func() error) func() error {
	label := ""
	members := p.json.Record(strictjson.Members{
		"labels": p.json.Each(func(name string) { label = name }, func() (err error) {
			a.labels[label], err = p.json.String()
			if len(a.labels) >= evidence.MaxList {
				return p.json.Errorf("more than %d labels", evidence.MaxList)
			}
			return err
		}),
		"state":    p.json.Into(&a.state),
		"activeAt": p.json.Into(&a.since),
		"value":    p.json.Into(&a.value),
	})
	return func() error {
		*a = alert{labels: map[string]string{}}
		if err := members(); err != nil {
			return err
		}
		if a.state != firing && a.state != "pending" {
			p.out.warn.Add(evidence.UnknownStatus, p.json.Place(), "the state %q of an alert is neither firing nor pending; it counts as firing", evidence.Cut(a.state))
			a.state = firing
		}
		if a.state == firing {
			p.out.sum.Firing++
		}
		return done()
	}
}

// alerts reads the active alerts: a row each, named after the alert, with its labels and its state as alertstate, as
// Prometheus itself keeps them in the series ALERTS. The value is that of the rule's expression.
func (p *promReader) alerts() error {
	p.shapes.alerts = true
	a := &alert{}
	return p.json.ArrayOrNull(p.alert(a, func() error {
		row := evidence.MetricSeries{Name: a.labels["alertname"], Labels: a.labels, Samples: 1}
		delete(a.labels, "alertname")
		a.labels["alertstate"] = a.state
		if _, err := instant(a.since); err == nil {
			row.First = a.since
		}
		if e, err := parse(a.value); err == nil {
			row.LastValue = p.out.measure(e, p.json.Place)
		} else {
			row.NoData = 1
			p.noData++
		}
		p.out.sum.Samples++
		if err := p.out.add(row); err != nil {
			return p.json.Errorf("%w", err)
		}
		return nil
	}))
}

// rule is one rule while it is read.
type rule struct {
	name, kind, state, health, lastError string
	active, firing                       int64
}

// groups reads the rules: a row each, named after the rule, with its group, type, state and health as labels and the
// number of its active alerts as samples.
func (p *promReader) groups() error {
	p.shapes.groups = true
	group, u, a := "", &rule{}, &alert{}
	alerts := p.json.List(p.alert(a, func() error {
		u.active++
		if a.state == firing {
			u.firing++
		}
		return nil
	}))
	members := p.json.Record(strictjson.Members{
		"name": p.json.Into(&u.name), "type": p.json.Into(&u.kind), "state": p.json.Into(&u.state), "health": p.json.Into(&u.health),
		"lastError": p.json.IntoMessage(&u.lastError), "alerts": alerts,
	})
	return p.json.Array(p.json.Record(strictjson.Members{
		"name": p.json.Into(&group),
		"rules": p.json.List(func() error {
			*u = rule{}
			if err := members(); err != nil {
				return err
			}
			return p.rule(group, u)
		}),
	}))
}

// rule counts one rule.
func (p *promReader) rule(group string, u *rule) error {
	place := p.json.Place()
	switch u.kind {
	case "alerting":
		p.alerting++
		if u.state == firing && u.firing == 0 {
			p.out.sum.Firing++ // the server was asked to leave the alerts out
		}
		if u.state != firing && u.state != "pending" && u.state != "inactive" {
			p.out.warn.Add(evidence.UnknownStatus, place, "the state %q of rule %q is neither inactive, pending nor firing; it counts as firing", evidence.Cut(u.state), evidence.Cut(u.name))
			p.out.sum.Firing++
		}
	case "recording":
	default:
		return p.json.Errorf("the rule %q is of type %q, want alerting or recording", evidence.Cut(u.name), evidence.Cut(u.kind))
	}
	if u.health != "ok" {
		p.out.incomplete(place, "the rule %q was not evaluated: its health is %q %s", evidence.Cut(u.name), evidence.Cut(u.health), u.lastError)
	}
	row := evidence.MetricSeries{Name: u.name, Samples: u.active, Labels: map[string]string{"group": group, "type": u.kind, "state": u.state, "health": u.health}}
	p.out.sum.Samples += u.active
	if err := p.out.add(row); err != nil {
		return p.json.Errorf("%w", err)
	}
	return nil
}

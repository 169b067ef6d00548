package metrics

import (
	"fmt"
	"time"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// question is what the envelope says was asked: of whom, what, and for which time.
type question struct {
	own                                                 bool
	seen                                                map[string]bool
	known                                               *strictjson.Names
	version, server, query, at, start, end, step, taken string
}

// envelope says how the members of the collector's envelope are read.
func (p *promReader) envelope() strictjson.Members {
	q := &p.ask
	text := func(s *string) func() error {
		return func() (err error) {
			*s, err = p.json.String()
			return err
		}
	}
	return strictjson.Members{
		"apiVersion": text(&q.version), "server": text(&q.server), "query": text(&q.query), "time": text(&q.at),
		"start": text(&q.start), "end": text(&q.end), "step": text(&q.step), "collectedAt": text(&q.taken),
		"response": func() error {
			answer := p.answer()
			return p.json.Object(func(name []byte) error {
				if f := answer[string(name)]; f != nil {
					return f()
				}
				return p.json.Other(p.names(answer), name)
			})
		},
	}
}

// own reads a member of the envelope.
func (p *promReader) own(envelope strictjson.Members, name string) error {
	f := envelope[name]
	if f == nil {
		return p.json.Errorf("member %q, which %s does not have", evidence.Cut(name), prometheusEnvelope)
	}
	p.ask.seen[name] = true
	return f()
}

// checkMembers checks that the envelope is whole.
func (p *promReader) checkMembers() error {
	q := &p.ask
	if !q.own {
		return nil
	}
	if q.version != prometheusEnvelope {
		return p.json.Errorf("apiVersion %q, want %s", evidence.Cut(q.version), prometheusEnvelope)
	}
	want := []string{"server", "query", "collectedAt", "response", "time"}
	if q.seen["start"] || q.seen["end"] || q.seen["step"] {
		want = append(want[:4], "start", "end", "step")
	}
	for _, name := range want {
		if !q.seen[name] {
			return p.json.Errorf("member %q is missing", name)
		}
	}
	if len(q.seen) != len(want)+1 {
		return p.json.Errorf("time beside start, end and step: a question is for a moment or for a range")
	}
	if q.server == "" || q.query == "" {
		return p.json.Errorf("server and query must say something")
	}
	p.out.sum.Server, p.out.sum.Query = q.server, q.query
	return nil
}

// slack is how far from the time asked for a sample may be: servers round times.
const slack = time.Second

// checkTimes reads the times of the question and warns of samples from another time.
func (p *promReader) checkTimes() error {
	q := &p.ask
	if !q.own {
		return nil
	}
	if p.shapes.kind() != shapeResult {
		return p.json.Errorf("the response is no answer to a query")
	}
	if _, err := instant(q.taken); err != nil {
		return p.json.Errorf("collectedAt: %w", err)
	}
	first, last := q.at, q.at
	if q.seen["start"] {
		first, last = q.start, q.end
		if step, err := time.ParseDuration(q.step); err != nil || step <= 0 {
			return p.json.Errorf("step %q, want a duration such as 15s", evidence.Cut(q.step))
		}
		if p.shapes.declared != "matrix" {
			return p.json.Errorf("the response to a question about a range is a %s, want a matrix", p.shapes.declared)
		}
	}
	from, err := instant(first)
	if err != nil {
		return p.json.Errorf("time or start: %w", err)
	}
	to, err := instant(last)
	if err != nil {
		return p.json.Errorf("end: %w", err)
	}
	if to.Before(from) {
		return p.json.Errorf("end is before start")
	}
	// The samples of an instant query that selects a range lie before its time.
	early := p.first < from.Add(-slack).UnixMilli() && (q.seen["start"] || p.shapes.declared != "matrix")
	if p.timed && (early || p.last > to.Add(slack).UnixMilli()) {
		p.out.warn.Add(evidence.BreaksFormat, "response", "samples from %s to %s, which is not the time that was asked for", stamp(p.first), stamp(p.last))
	}
	return nil
}

// instant reads a time in RFC 3339.
func instant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, fmt.Errorf("%q is no time in RFC 3339", evidence.Cut(text))
	}
	return t, nil
}

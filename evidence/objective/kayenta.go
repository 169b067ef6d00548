package objective

import (
	"io"
	"math/big"
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Kayenta is a canary configuration of Kayenta, Spinnaker's canary analysis: the metrics of a canary, how much their
// groups weigh, and the scores to be reached.
func Kayenta() evidence.Format {
	return evidence.Format{
		Name: "kayenta", Title: "Kayenta canary configuration", Kind: evidence.Objective, MediaType: "application/json",
		Recognised: "an object with an array `metrics` and `classifier`, `judge` or `metrics[].analysisConfigurations`",
		Tools:      "Kayenta, Spinnaker, roer, spin canary-config get",
		Limits:     "the configuration, not a judgement; the weight of a metric in several groups counts as unknown",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("metrics") && h.HasAny("classifier", "judge", "judge.name", "metrics[].analysisConfigurations", "metrics[].scopeName") &&
				!h.HasAny("results", "runs")
		},
		Read: readKayenta,
	}
}

// kayentaReader is the state of one pass. Metrics are kept until the weights are known, which stand behind them.
// maxCanary is how many metrics, and how many groups of them, a configuration may have.
const maxCanary = 10_000

type kayentaReader struct {
	json    *strictjson.Reader
	out     output
	metrics []kayentaMetric
	weights map[string]*big.Rat
	scores  struct{ pass, marginal *big.Rat }
}

// kayentaMetric is one metric of a canary.
type kayentaMetric struct {
	name, backend, direction string
	groups                   []string
	critical, muted          bool
}

func readKayenta(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	k := &kayentaReader{json: strictjson.New(r), out: newOutput(rows), weights: map[string]*big.Rat{}}
	j, s := k.json, &k.out.sum
	group, version := "", ""
	err := j.Record(strictjson.Members{
		"name":          j.Into(&s.Name),
		"configVersion": j.IntoWord(&version),
		"judge":         j.Record(strictjson.Members{"name": j.Into(&s.Judge)}),
		"metrics":       j.List(k.metric()),
		"classifier": j.Record(strictjson.Members{
			"groupWeights": j.Each(func(name string) { group = name }, func() error {
				var weight *big.Rat
				err := number(j, &weight)()
				if k.weights[group] = weight; err == nil && len(k.weights) > maxCanary {
					err = j.Errorf("more than %d groups", maxCanary)
				}
				return err
			}),
			"scoreThresholds": j.Record(strictjson.Members{"pass": number(j, &k.scores.pass), "marginal": number(j, &k.scores.marginal)}),
		}),
	})()
	if err == nil {
		err = j.End()
	}
	if err == nil {
		s.SpecVersion, s.Documents = version, 1
		err = k.finish()
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return k.out.report(evidence.Tool{Name: "kayenta"}), nil
}

// metric returns the function that reads one metric.
func (k *kayentaReader) metric() func() error {
	j, m, kept := k.json, &kayentaMetric{}, 0
	read := j.Record(strictjson.Members{
		"name":   j.Into(&m.name),
		"groups": j.IntoStrings(&m.groups),
		"query":  j.Record(strictjson.Members{"type": j.Into(&m.backend)}),
		"analysisConfigurations": j.Record(strictjson.Members{"canary": j.Record(strictjson.Members{
			"critical": j.IntoBool(&m.critical), "muted": j.IntoBool(&m.muted), "direction": j.Into(&m.direction),
		})}),
	})
	seen := map[string]bool{}
	return func() error {
		*m = kayentaMetric{}
		if err := read(); err != nil {
			return err
		}
		if m.name == "" {
			return j.Errorf("a metric without a name")
		}
		if seen[m.name] {
			return j.Errorf("two metrics are named %q: Kayenta refuses this too; give each its own name", evidence.Cut(m.name))
		}
		seen[m.name] = true
		if kept += len(m.name) + len(strings.Join(m.groups, "")); kept > evidence.MaxKept || len(k.metrics) >= maxCanary {
			return j.Errorf("more than %d metrics, or names of more than %d bytes", maxCanary, evidence.MaxKept)
		}
		k.metrics = append(k.metrics, *m)
		return nil
	}
}

// finish checks weights and scores and writes the metrics.
func (k *kayentaReader) finish() error {
	s := &k.out.sum
	s.Pass = k.out.percent(k.scores.pass, "classifier.scoreThresholds.pass", "the score to pass")
	s.Marginal = k.out.percent(k.scores.marginal, "classifier.scoreThresholds.marginal", "the marginal score")
	if p, m := k.scores.pass, k.scores.marginal; p != nil && m != nil && p.Cmp(m) < 0 {
		k.out.warn.Add(evidence.BreaksFormat, "classifier.scoreThresholds", "the score to pass is below the marginal one")
	}
	k.checkWeights()
	for _, m := range k.metrics {
		row := evidence.ObjectiveRow{Name: m.name, Group: strings.Join(m.groups, ", "), Method: m.direction, Backend: m.backend, Critical: m.critical, Muted: m.muted}
		if len(m.groups) == 1 {
			row.Weight = k.out.percent(k.weights[m.groups[0]], "classifier.groupWeights", "the weight of a group")
		}
		if err := k.out.add(row); err != nil {
			return k.json.Errorf("%w", err)
		}
	}
	return nil
}

// checkWeights warns of weights that cannot make a score of 100, and of a group that nothing belongs to.
func (k *kayentaReader) checkWeights() {
	sum, open, used := new(big.Rat), false, map[string]bool{}
	for _, m := range k.metrics {
		for _, g := range m.groups {
			open, used[g] = open || k.weights[g] == nil, true
		}
	}
	var names []string
	for name, weight := range k.weights {
		if weight != nil {
			sum.Add(sum, weight)
		}
		if !used[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		k.out.warn.Add(evidence.BreaksFormat, "classifier.groupWeights", "the group %q has a weight but no metric", evidence.Cut(name))
	}
	if c := sum.Cmp(big.NewRat(100, 1)); len(k.weights) > 0 && (c > 0 || c < 0 && !open) {
		k.out.warn.Add(evidence.BreaksFormat, "classifier.groupWeights", "the weights of the groups add up to %s, want 100", evidence.MeasureOf(sum).Value)
	}
}

package formats

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/evidence"
)

func init() {
	kindTests[evidence.Metrics] = kindTest{found: foundMetrics, check: checkMetrics}
	kindTests[evidence.Objective] = kindTest{found: foundObjective, check: checkObjective}
}

// number gives a measured number as the manifest writes it; nothing measured is null.
func number(m evidence.Measure) any {
	if !m.Measured {
		return nil
	}
	f, err := json.Number(m.Value).Float64()
	if err != nil {
		panic(err)
	}
	return micro(f)
}

// disagrees is the name of a total in a warning about totals that disagree.
var disagrees = regexp.MustCompile(` says (\w+)=`)

// repeats is the warning about samples that repeat others.
var repeats = regexp.MustCompile(`^(\d+) rows of transaction controllers and (\d+) samples inside others`)

// foundMetrics puts metrics under the names of the manifest.
func foundMetrics(t *testing.T, r evidence.Report, rows []byte) map[string]any {
	s := r.Summary.Metrics
	series := rowsOf[evidence.MetricSeries](t, evidence.Metrics, rows)
	breached := []any{}
	for _, b := range s.Breached {
		breached = append(breached, b)
	}
	m := map[string]any{
		"series": s.Series, "metrics": s.Series, "labels": s.Series, "rows": s.Series, "alerts": s.Series, "rules": s.Series, "firing": s.Firing,
		"samples": s.Samples, "errors": s.Errors, "ok": s.Samples - s.Errors, "no_data": s.NoData, "error_pct": float64(s.ErrorRatio.Percent) / 1e4,
		"http_req_failed_rate": exactly(s.ErrorRatio.Covered, s.ErrorRatio.Total),
		"min":                  number(s.Min), "max": number(s.Max), "mean": number(s.Mean), "sum": number(s.Sum),
		"min_ms": number(s.Min), "max_ms": number(s.Max), "mean_ms": number(s.Mean), "avg_ms": number(s.Mean), "rps": number(s.PerSecond),
		"p50_ms": number(s.P50), "p75_ms": number(s.P75), "p90_ms": number(s.P90), "p95_ms": number(s.P95), "p99_ms": number(s.P99),
		"thresholds_total": s.Thresholds, "thresholds_breached": breached,
		"warnings": int64(r.Warnings.Count(evidence.Incomplete)), "infos": int64(r.Warnings.Count(evidence.ToolNotice)),
		"gate_ok": map[string]any{"passed": true, "failed": false, "none": nil}[s.Verdict],
	}
	if r.Tool.Version != "" {
		m["tool_version"] = r.Tool.Version
	}
	differ := []any{}
	for _, w := range r.Warnings.List() {
		if name := disagrees.FindStringSubmatch(w.Msg); name != nil && w.Code == string(evidence.CountsDisagree) {
			differ = append(differ, name[1])
		}
	}
	m["aggregated_disagrees"] = differ
	m["transaction_rows_not_counted"], m["nested_samples_not_counted"] = int64(0), int64(0)
	for _, w := range r.Warnings.List() {
		if n := repeats.FindStringSubmatch(w.Msg); n != nil {
			transactions, _ := strconv.ParseInt(n[1], 10, 64)
			nested, _ := strconv.ParseInt(n[2], 10, 64)
			m["transaction_rows_not_counted"], m["nested_samples_not_counted"] = transactions, nested
		}
	}
	last := []any{}
	for i, row := range series {
		switch row.Name {
		case "http_reqs":
			m["http_reqs"] = row.Samples
		case "iterations":
			m["iterations"] = row.Samples
		case "Global Information":
			m["name"] = row.Name
		case "checks":
			m["checks"] = map[string]any{"passes": row.Samples - row.Errors, "fails": row.Errors}
		}
		if at, err := time.Parse(time.RFC3339Nano, row.First); err == nil && i == 0 {
			m["first_ts"] = float64(at.UnixMilli()) / 1000
		}
		if at, err := time.Parse(time.RFC3339Nano, row.Last); err == nil {
			m["last_ts"] = float64(at.UnixMilli()) / 1000
		}
		value := string(row.LastValue.Value)
		if !row.LastValue.Measured {
			value = "NaN"
		}
		last = append(last, value)
	}
	m["last_values"] = last
	return m
}

// exactly divides two counts.
func exactly(a, b int64) any {
	if b == 0 {
		return nil
	}
	f, _ := big.NewRat(a, b).Float64()
	return micro(f)
}

// checkMetrics checks that rows and summary fit, and what must hold for every report of metrics.
func checkMetrics(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	s := r.Summary.Metrics
	series := rowsOf[evidence.MetricSeries](t, evidence.Metrics, rows)
	var samples, failed, noData int64
	for _, row := range series {
		samples, failed, noData = samples+row.Samples, failed+row.Errors, noData+row.NoData
		checkSpread(t, row.NoData == row.Samples && row.Unit == "" && row.NoData > 0, row.Min, row.Mean, row.Max)
	}
	if int64(len(series)) != s.Series || s.NoData != noData {
		t.Errorf("%d rows with %d of no data, summary %+v", len(series), noData, s)
	}
	// The summary of a load test with scripts of its own counts requests, which is one of its metrics.
	if r.Tool.Name != "k6" && (samples != s.Samples || failed != s.Errors) {
		t.Errorf("%d samples and %d errors in rows, summary %+v", samples, failed, s)
	}
	checkSpread(t, s.Samples == 0 || s.Samples == s.NoData, s.Min, s.Mean, s.Max)
	if (s.Verdict == "failed") != (len(s.Breached) > 0) || (s.Verdict == "none") != (s.Thresholds == 0) || int64(len(s.Breached)) > s.Thresholds {
		t.Errorf("verdict of %+v", s)
	}
	if (!s.Complete || s.Samples == 0 && !slices.ContainsFunc(series, isRule)) && !serious(r) {
		t.Errorf("no warning about %+v", s)
	}
	if s.ErrorRatio.Measured && s.ErrorRatio.Total == 0 || s.Firing > s.Samples+s.Series {
		t.Errorf("counts of %+v", s)
	}
}

// isRule reports whether a row is a rule of a server, which has no samples of its own.
func isRule(row evidence.MetricSeries) bool { return row.Labels["type"] == "alerting" }

// checkSpread checks that smallest, mean and largest are in order, and that nothing was measured where nothing could be.
func checkSpread(t *testing.T, empty bool, low, mean, high evidence.Measure) {
	t.Helper()
	if empty && (low.Measured || mean.Measured || high.Measured) {
		t.Errorf("of no data %v, %v and %v are measured", low, mean, high)
	}
	if low.Measured && high.Measured && number(low).(micro) > number(high).(micro) {
		t.Errorf("from %v to %v", low, high)
	}
	for _, m := range []evidence.Measure{low, mean, high} {
		if !m.Measured && m.Value != "" && m.Value != "0" {
			t.Errorf("%+v is not measured and has a value", m)
		}
	}
}

// foundObjective puts objectives under the names of the manifest.
func foundObjective(t *testing.T, r evidence.Report, rows []byte) map[string]any {
	s := r.Summary.Objective
	groups, backends, targets, methods, weights := []string{}, []string{}, []any{}, map[string]string{}, map[string]evidence.Measure{}
	open := []string{}
	for _, row := range rowsOf[evidence.ObjectiveRow](t, evidence.Objective, rows) {
		groups, backends = append(groups, row.Group), append(backends, row.Backend)
		methods[row.Group] = row.Method
		if row.Target.Measured {
			percent, _ := new(big.Rat).SetString(string(row.Target.Value))
			ratio, _ := percent.Quo(percent, big.NewRat(100, 1)).Float64()
			targets = append(targets, ratio)
		}
		if weights[row.Group] = row.Weight; !row.Weight.Measured {
			open = append(open, row.Group)
		}
	}
	sum := 0.0
	for _, w := range weights {
		if f, ok := number(w).(micro); ok {
			sum += float64(f)
		}
	}
	slices.Sort(groups)
	m := map[string]any{"documents": s.Documents, "name": s.Name, "critical_metrics": s.Critical, "muted_metrics": s.Muted, "metrics": s.Objectives}
	if s.Judge != "" {
		m["judge"], m["groups"], m["backends"] = s.Judge, slices.Compact(groups), slices.Compact(backends)
		m["weights_sum"], m["groups_without_weight"] = sum, slices.Compact(open)
		m["score_thresholds"] = map[string]any{"pass": number(s.Pass), "marginal": number(s.Marginal)}
	} else {
		all := []string{}
		for _, row := range rowsOf[evidence.ObjectiveRow](t, evidence.Objective, rows) {
			if len(all) == 0 || all[len(all)-1] != row.Group {
				all = append(all, row.Group)
			}
		}
		list := []any{}
		for _, name := range all {
			list = append(list, methods[name])
		}
		m["targets"], m["budgeting_methods"], m["api_versions"] = targets, list, strings.Split(s.SpecVersion, ", ")
		m["kinds"] = map[string]any{"SLO": int64(len(all))}
	}
	return m
}

// checkObjective checks that rows and summary fit.
func checkObjective(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	s := r.Summary.Objective
	var critical, muted int64
	list := rowsOf[evidence.ObjectiveRow](t, evidence.Objective, rows)
	for _, row := range list {
		if row.Critical {
			critical++
		}
		if row.Muted {
			muted++
		}
		if row.Name == "" || row.Target.Measured && (number(row.Target).(micro) < 0 || number(row.Target).(micro) > 100) {
			t.Errorf("row %+v", row)
		}
	}
	if int64(len(list)) != s.Objectives || critical != s.Critical || muted != s.Muted {
		t.Errorf("%d rows, summary %+v", len(list), s)
	}
	if len(list) == 0 && !serious(r) {
		t.Errorf("no warning about %+v", s)
	}
}

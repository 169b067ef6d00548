package evidence

// MetricSeries is one series of samples, one sort of request of a load test, one metric of a script, or an alert or rule
// of a server. Samples counts all of them, 0 where the report does not say; Errors those of failed requests, NoData those
// that are NaN, infinite or no number. Min to Sum are over the finite samples. P50 to P99 are by nearest rank where the
// report holds the samples, else as its tool computed them. Unit is that of Min to P99 ("ms", "bytes", "" where the report
// does not say). First and Last are RFC 3339 times in UTC, or empty; LastValue is the newest sample, not measured when that
// one is NaN. PerSecond is the rate of requests.
type MetricSeries struct {
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	Unit      string            `json:"unit"`
	Samples   int64             `json:"samples"`
	Errors    int64             `json:"errors"`
	NoData    int64             `json:"noData"`
	First     string            `json:"first"`
	Last      string            `json:"last"`
	Min       Measure           `json:"min"`
	Max       Measure           `json:"max"`
	Mean      Measure           `json:"mean"`
	Sum       Measure           `json:"sum"`
	LastValue Measure           `json:"lastValue"`
	P50       Measure           `json:"p50"`
	P75       Measure           `json:"p75"`
	P90       Measure           `json:"p90"`
	P95       Measure           `json:"p95"`
	P99       Measure           `json:"p99"`
	PerSecond Measure           `json:"perSecond"`
}

// MetricsSummary is all series together. Query and Server are what was asked and whom, where the report says so.
// ErrorRatio is Errors of Samples. Verdict is the report's own: passed or failed by its thresholds, none when it has no
// verdict in it. Breached names the thresholds that were not kept. Firing counts alerts that fire. Complete is false
// when the report says of itself that something is missing (a warning of the server, a cut-off run).
type MetricsSummary struct {
	Query      string   `json:"query"`
	Server     string   `json:"server"`
	Series     int64    `json:"series"`
	Samples    int64    `json:"samples"`
	Errors     int64    `json:"errors"`
	NoData     int64    `json:"noData"`
	ErrorRatio Ratio    `json:"errorRatio"`
	Unit       string   `json:"unit"`
	Min        Measure  `json:"min"`
	Max        Measure  `json:"max"`
	Mean       Measure  `json:"mean"`
	Sum        Measure  `json:"sum"`
	P50        Measure  `json:"p50"`
	P75        Measure  `json:"p75"`
	P90        Measure  `json:"p90"`
	P95        Measure  `json:"p95"`
	P99        Measure  `json:"p99"`
	PerSecond  Measure  `json:"perSecond"`
	Verdict    string   `json:"verdict" words:"passed,failed,none"`
	Thresholds int64    `json:"thresholds"`
	Breached   []string `json:"breached"`
	Firing     int64    `json:"firing"`
	Complete   bool     `json:"complete"`
}

// ObjectiveRow is one objective that metrics are to be judged by: an objective of an SLO, or one metric of a canary
// configuration. Target is the wanted ratio of good events in percent, Weight the share of a group in a canary's score.
type ObjectiveRow struct {
	Name     string  `json:"name"`
	Group    string  `json:"group"`
	Service  string  `json:"service"`
	Target   Measure `json:"target"`
	Weight   Measure `json:"weight"`
	Window   string  `json:"window"`
	Method   string  `json:"method"`
	Backend  string  `json:"backend"`
	Critical bool    `json:"critical"`
	Muted    bool    `json:"muted"`
}

// ObjectiveSummary counts objectives. Pass and Marginal are the scores a canary has to reach, where the document says so.
type ObjectiveSummary struct {
	SpecVersion string  `json:"specVersion"`
	Name        string  `json:"name"`
	Judge       string  `json:"judge"`
	Documents   int64   `json:"documents"`
	Objectives  int64   `json:"objectives"`
	Critical    int64   `json:"critical"`
	Muted       int64   `json:"muted"`
	Pass        Measure `json:"pass"`
	Marginal    Measure `json:"marginal"`
	Complete    bool    `json:"complete"`
}

package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

// startPrometheus runs a real Prometheus that scrapes a target with known metrics, and returns its address.
func startPrometheus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("NOT TESTED AGAINST A REAL PROMETHEUS: it is not on PATH; PATH=$(dirname $(.tools/tool prometheus)):$PATH builds it and puts it there")
	}
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "# TYPE orders_total counter\norders_total{shop=\"a\"} 42\norders_total{shop=\"b\"} 0.25\n# TYPE broken gauge\nbroken NaN\n")
	})
	// The port is free now, and nobody else is likely to take it before Prometheus does.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	config := fmt.Sprintf("scrape_configs: [{job_name: shop, scrape_interval: 1s, static_configs: [{targets: ['%s']}]}]\n", strings.TrimPrefix(target.URL, "http://"))
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus said: %s", said.String())
		}
	})
	// Two scrapes, so that a range has two samples.
	for range 600 {
		if got := plain(t, "http://"+address+"/api/v1/query?query="+url.QueryEscape("count_over_time(orders_total[1m]) >= 2")); strings.Contains(got, `"shop"`) {
			return "http://" + address
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("Prometheus has scraped nothing in a minute: %s", said.String())
	return ""
}

// plain asks with nothing but net/http: the second opinion.
func plain(t *testing.T, u string) string {
	t.Helper()
	resp, err := http.Get(u)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRealPrometheus asks a real server: the answer is the one that anybody gets, byte for byte, and the server's own
// errors are told in its words.
func TestRealPrometheus(t *testing.T) {
	address := startPrometheus(t)
	s, err := Open(address, Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	stampOf := func(d time.Duration) string { return url.QueryEscape(stamp(at.Add(d))) }
	long := "orders_total" + strings.Repeat(" or orders_total", 400)
	for _, c := range []struct {
		q    Query
		url  string // the same question in the words of the API's documentation
		has  string
		kind string
		// series is how many there are, warns whether the reader has something to say: NaN or nothing is no data.
		series int64
		warns  bool
	}{
		{Query{Expr: `orders_total{shop="a"}`, Time: at}, "/api/v1/query?query=orders_total%7Bshop%3D%22a%22%7D&time=" + stampOf(0), `"42"`, "vector", 1, false},
		{Query{Expr: "broken", Time: at}, "/api/v1/query?query=broken&time=" + stampOf(0), `"NaN"`, "vector", 1, true},
		{Query{Expr: "absent_metric", Time: at}, "/api/v1/query?query=absent_metric&time=" + stampOf(0), `"result":[]`, "vector", 0, true},
		{Query{Expr: "sum(orders_total)", Start: at.Add(-2 * time.Second), End: at, Step: "500ms"}, "/api/v1/query_range?query=sum(orders_total)&start=" + stampOf(-2*time.Second) + "&end=" + stampOf(0) + "&step=500ms", `"42.25"`, "matrix", 1, false},
		{Query{Expr: long, Time: at}, "/api/v1/query?query=" + url.QueryEscape(long) + "&time=" + stampOf(0), `"0.25"`, "vector", 2, false},
	} {
		report, err := s.Ask(context.Background(), c.q, time.Now())
		if err != nil {
			t.Errorf("%.60s: %v", c.q.Expr, err)
			continue
		}
		var got struct {
			APIVersion, Server, Query, CollectedAt string
			Response                               struct {
				Status string
				Data   struct{ ResultType string }
			}
		}
		if err := json.Unmarshal(report, &got); err != nil || got.APIVersion != APIVersion || got.Server != address || got.Query != c.q.Expr ||
			got.Response.Status != "success" || got.Response.Data.ResultType != c.kind {
			t.Errorf("%.60s: %s, error %v", c.q.Expr, report, err)
		}
		format, read, err := formats.Read(bytes.NewReader(report), evidence.Metrics, io.Discard)
		if err != nil || format.Name != "prometheus" {
			t.Errorf("%.60s: read as %s, error %v", c.q.Expr, format.Name, err)
		} else if m := read.Summary.Metrics; m.Series != c.series || m.Server != address || m.Query != c.q.Expr || !m.Complete {
			t.Errorf("%.60s: summary %+v", c.q.Expr, m)
		} else if w := read.Warnings.List(); (len(w) > 0) != c.warns {
			t.Errorf("%.60s: warnings %v", c.q.Expr, w)
		}
		want := plain(t, address+c.url)
		if !bytes.Contains(report, []byte(`"response":`+want+"}")) || !strings.Contains(want, c.has) {
			t.Errorf("%.60s: %s\nwant the answer %s with %s", c.q.Expr, report, want, c.has)
		}
	}
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Expr: "sum(", Time: at}, "HTTP 400 Bad Request: bad_data: invalid parameter"},
		{Query{Expr: "up", Start: at.Add(-20000 * time.Second), End: at, Step: "1s"}, "11,000 points"},
		{Query{Expr: `{job="shop"} * on() {job="shop"}`, Time: at}, "HTTP 422 Unprocessable Entity: execution: "},
	} {
		if _, err := s.Ask(context.Background(), c.q, time.Now()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.q.Expr, err, c.want)
		}
	}
	elsewhere, err := Open(address+"/graph", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Ask(context.Background(), Query{Expr: "up", Time: at}, time.Now()); err == nil || !strings.Contains(err.Error(), "name the address before /api/v1") {
		t.Errorf("error %v", err)
	}
}

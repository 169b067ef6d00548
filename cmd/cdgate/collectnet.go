package main

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
	"cdgate.dev/cdgate/evidence/collect/prometheus"
	"cdgate.dev/cdgate/evidence/collect/referrers"
	"cdgate.dev/cdgate/evidence/outbound"
	"cdgate.dev/cdgate/evidence/registry"
)

const (
	// maxAuthorities is how long a file of certificate authorities may be, in bytes.
	maxAuthorities = 1 << 20
	// maxQueries is how many questions one collection asks.
	maxQueries = 100
	// defaultStep is the step of a range query that names none.
	defaultStep = "15s"
)

// serverFlags are those of the servers that collect asks.
func serverFlags() []cli.Flag {
	return []cli.Flag{
		text("prometheus", "ask the Prometheus server at `URL` what --query says"),
		list("query", "a `PROMQL` query for --prometheus; repeat for several"),
		text("time", "the `MOMENT` (RFC 3339) that the queries are about; default: now"),
		text("start", "the `MOMENT` (RFC 3339) at which a range begins, instead of --time"),
		text("end", "the `MOMENT` (RFC 3339) at which the range ends; default: now"),
		text("step", "the `DURATION` between two moments of the range, such as 1m; default: "+defaultStep),
		text("prometheus-token", "the `FILE` with a bearer token, or env://VARIABLE that holds it; never the token"),
		text("prometheus-ca", "a `FILE` with the certificate authorities of the Prometheus server (PEM)"),
		text("referrers", "take the reports that are attached to an `IMAGE` (REGISTRY/REPOSITORY@sha256:HEX) as its referrers"),
	}
}

// askServers adds what servers answer to what is collected. Nothing is asked before everything that was named is known
// to make sense.
func (k *call) askServers(o *engine.CollectOptions) error {
	metrics, err := k.openPrometheus()
	if err != nil {
		return fault.Wrap(fault.Usage, err)
	}
	image, err := k.openReferrers(o)
	if err != nil {
		return fault.Wrap(fault.Usage, err)
	}
	if metrics == nil && image == nil {
		return nil
	}
	if args, _ := k.positional(); len(args) == 0 {
		o.Paths = nil // what .cdgate.yaml lists is read when nothing is named
	}
	var errs []error
	if image != nil {
		errs = append(errs, image.collect(k, o))
	}
	if metrics != nil {
		errs = append(errs, metrics.collect(k, o))
	}
	return errors.Join(errs...)
}

// questions are those to one Prometheus server.
type questions struct {
	server  *prometheus.Server
	queries []prometheus.Query
}

// openPrometheus reads the flags of Prometheus; nil when none is set.
func (k *call) openPrometheus() (*questions, error) {
	address, queries := k.String("prometheus"), k.StringSlice("query")
	if address == "" {
		for _, f := range []string{"query", "time", "start", "end", "step", "prometheus-token", "prometheus-ca"} {
			if k.IsSet(f) {
				return nil, fault.New(fault.Usage, "--%s is about a Prometheus server; name it with --prometheus URL", f)
			}
		}
		return nil, nil
	}
	if n := len(queries); n == 0 || n > maxQueries {
		return nil, fault.New(fault.Usage, "--prometheus needs 1 to %d of --query 'PROMQL', and there are %d", maxQueries, n)
	}
	token, err := k.token("prometheus-token")
	if err != nil {
		return nil, err
	}
	roots, err := k.authorities("prometheus-ca")
	if err != nil {
		return nil, err
	}
	q := &questions{}
	if q.server, err = prometheus.Open(address, prometheus.Options{Token: token, Roots: roots}); err != nil {
		return nil, fault.New(fault.Usage, "read --prometheus: %w", err)
	}
	about, err := k.about()
	if err != nil {
		return nil, err
	}
	for i, expr := range queries {
		if slices.Contains(queries[:i], expr) {
			return nil, fault.New(fault.Usage, "--query %q is there twice", evidence.Cut(expr))
		}
		about.Expr = expr
		if err := about.Check(k.now); err != nil {
			return nil, fault.New(fault.Usage, "--query %q: %w", evidence.Cut(expr), err)
		}
		q.queries = append(q.queries, about)
	}
	return q, nil
}

// about is which time the queries are about.
func (k *call) about() (q prometheus.Query, err error) {
	if !k.IsSet("start") {
		if k.IsSet("end") || k.IsSet("step") {
			return q, fault.New(fault.Usage, "--end and --step are about a range; name its --start")
		}
		q.Time, err = k.moment("time")
		return q, err
	}
	if k.IsSet("time") {
		return q, fault.New(fault.Usage, "--time is one moment, --start the beginning of a range; name one of them")
	}
	if q.Start, err = k.moment("start"); err != nil {
		return q, err
	}
	q.Step = first(k.String("step"), defaultStep)
	q.End, err = k.moment("end")
	return q, err
}

// moment is the time that a flag says, now where it says none.
func (k *call) moment(flag string) (time.Time, error) {
	v := k.String(flag)
	if v == "" {
		return k.now, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return t, fault.New(fault.Usage, "--%s %q is no time as RFC 3339 has it, such as 2026-03-02T10:00:00Z", flag, evidence.Cut(v))
	}
	return t, nil
}

func (q *questions) collect(k *call, o *engine.CollectOptions) error {
	var errs []error
	for _, query := range q.queries {
		b, err := q.server.Ask(k.Context.Context, query, k.now)
		if err != nil {
			errs = append(errs, fault.Wrap(fault.Evidence, err))
			continue
		}
		o.Made = append(o.Made, collect.Made{Name: q.server.Name(query), Kind: evidence.Metrics, Data: b})
	}
	return errors.Join(errs...)
}

// token reads a bearer token. Whoever writes the token itself where its file belongs must not see it in a log.
func (k *call) token(flag string) (string, error) {
	ref := k.String(flag)
	if ref == "" {
		return "", nil
	}
	if !strings.HasPrefix(ref, "env://") {
		if _, err := os.Stat(k.abs(ref)); err != nil {
			return "", fault.New(fault.Usage, "read --%s: there is no such file; its value is the name of a file, or env://VARIABLE, never the token itself", flag)
		}
	}
	_, b, err := k.secret(flag, ref)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", fault.New(fault.Usage, "read --%s: it is empty", flag)
	}
	return token, nil
}

// authorities reads certificate authorities; nil means those of the system.
func (k *call) authorities(flag string) (*x509.CertPool, error) {
	path := k.String(flag)
	if path == "" {
		return nil, nil
	}
	pem, err := readSmall(k.abs(path), maxAuthorities)
	if err != nil {
		return nil, fault.New(fault.Usage, "read --%s: %w", flag, err)
	}
	pool, err := outbound.Roots(pem)
	if err != nil {
		return nil, fault.New(fault.Usage, "read --%s %q: %w", flag, path, err)
	}
	return pool, nil
}

// attached are the reports that are attached to an image.
type attached struct {
	ref  registry.Reference
	repo *registry.Repository
}

// openReferrers reads the flags of referrers; nil when none is set. The reports are about the image. What else is
// collected is about what --artifact says, and only --artifact says that something was built here.
func (k *call) openReferrers(o *engine.CollectOptions) (*attached, error) {
	spelt := k.String("referrers")
	if spelt == "" {
		return nil, nil
	}
	ref, err := registry.ParseReference(spelt)
	if err != nil {
		return nil, fault.New(fault.Usage, "read --referrers: %w", err)
	}
	switch {
	case len(o.Artifacts) == 0 && (k.Args().Len() > 0 || len(o.Made) > 0 || k.IsSet("prometheus")):
		return nil, fault.New(fault.Usage, "what --referrers finds is about the image; if the other reports are too, say --artifact %s, else collect them apart", ref)
	case len(o.Artifacts) == 0:
		o.Artifacts, o.Found = []engine.Artifact{{Name: ref.Name(), Digest: ref.Digest}}, true
	case len(o.Artifacts) > 1 || o.Artifacts[0].Digest != ref.Digest:
		return nil, fault.New(fault.Usage, "what --referrers finds is about %s, and --artifact names something else; collect them apart", ref)
	}
	roots, err := k.authorities("registry-ca")
	if err != nil {
		return nil, err
	}
	repo, err := registry.Open(ref, registry.Options{DockerConfig: k.dockerConfig(), Roots: roots})
	if err != nil {
		return nil, fault.New(fault.Usage, "read --referrers: %w", err)
	}
	return &attached{ref, repo}, nil
}

// dockerConfig is where Docker keeps the credentials of registries.
func (k *call) dockerConfig() string {
	if dir := k.getenv("DOCKER_CONFIG"); dir != "" {
		return filepath.Join(k.abs(dir), "config.json")
	}
	if home := first(k.getenv("HOME"), k.getenv("USERPROFILE")); home != "" {
		return filepath.Join(home, ".docker", "config.json")
	}
	return ""
}

// contents notes what an image index contains that was built here, so that evidence about its platforms counts for it.
func (a *attached) contents(k *call, o *engine.CollectOptions) error {
	if o.Found {
		return nil
	}
	images, err := a.repo.Images(k.Context.Context, a.ref.Digest)
	switch {
	case errors.Is(err, registry.ErrTampered):
		return fault.Wrap(fault.Trust, err)
	case err != nil:
		return fault.Wrap(fault.Evidence, err)
	}
	for _, i := range images {
		o.Contains = append(o.Contains, verify.Contained{Digest: i.Digest, Config: i.Config, Platform: i.Platform})
	}
	if len(images) > 0 {
		k.note("image index %s contains %s", shown(a.ref.Digest), count(len(images), "image"))
	}
	return nil
}

func (a *attached) collect(k *call, o *engine.CollectOptions) error {
	if err := a.contents(k, o); err != nil {
		return err
	}
	reports, skipped, err := referrers.Collect(k.Context.Context, a.repo, a.ref.Digest)
	switch {
	case errors.Is(err, referrers.ErrNone) && len(o.Contains) > 0:
		k.note("%v; what the image index contains is signed all the same", err)
	case errors.Is(err, registry.ErrTampered):
		return fault.Wrap(fault.Trust, err)
	case err != nil:
		return fault.Wrap(fault.Evidence, err)
	}
	for _, s := range skipped {
		k.note("not read: %s: %s", s.Name, s.Reason)
	}
	for _, r := range reports {
		o.Made = append(o.Made, collect.Made{Name: r.Name, Data: r.Data, Found: true})
	}
	return nil
}

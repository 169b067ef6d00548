// Package referrers takes reports out of a registry: those that were attached to an image as its referrers (OCI
// distribution specification 1.1). Which layer of a referrer is a report is told by its content alone.
package referrers

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
	"cdgate.dev/cdgate/evidence/registry"
)

const (
	// MaxReferrers is how many referrers an image may have.
	MaxReferrers = 1000
	// MaxLayers is how many layers one referrer may have.
	MaxLayers = 100
	// MaxLayer is how long one layer may be, and MaxAll all that are reports together, in bytes.
	MaxLayer = 64 << 20
	MaxAll   = 256 << 20
	// timeout is how long all of it may take.
	timeout = 10 * time.Minute
)

// Report is a layer whose content is in a known format, or an attestation.
type Report struct {
	// Name is the digest of the referrer and its artifact type, and which of its layers, where it has several.
	Name string
	Data []byte
}

// Skipped is a referrer or a layer that was not read, and why.
type Skipped struct{ Name, Reason string }

// Collect fetches every report that is attached to the image with this digest, in the order of their digests. An image
// that is not there is an error, and so is one to which no report is attached. Whether a report is good is for its
// reader to say.
func Collect(ctx context.Context, repo *registry.Repository, digest string) ([]Report, []Skipped, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	subject, err := repo.Find(ctx, digest)
	if err != nil {
		return nil, nil, err
	}
	list, err := repo.Referrers(ctx, subject, MaxReferrers)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(list, func(a, b registry.Descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	list = slices.CompactFunc(list, func(a, b registry.Descriptor) bool { return a.Digest == b.Digest })
	c := &collector{repo: repo, subject: digest, fetched: map[string]bool{}}
	for _, d := range list {
		if err := c.referrer(ctx, d); err != nil {
			return nil, nil, err
		}
	}
	if len(c.reports) == 0 {
		return nil, c.skipped, &noneError{fmt.Sprintf("read the referrers of %s@%s: none of %d is a known report%s", repo, digest, len(list), reasons(c.skipped))}
	}
	return c.reports, c.skipped, nil
}

// ErrNone says that no report is attached to an image.
var ErrNone = errors.New("no report is attached")

// noneError says it in full.
type noneError struct{ text string }

func (e *noneError) Error() string        { return e.text }
func (e *noneError) Is(target error) bool { return target == ErrNone }

// reasons lists the first few of what was skipped.
func reasons(list []Skipped) string {
	var b strings.Builder
	for _, s := range list[:min(len(list), 10)] {
		fmt.Fprintf(&b, "\n%s: %s", s.Name, s.Reason)
	}
	if n := len(list) - 10; n > 0 {
		fmt.Fprintf(&b, "\nand %d more", n)
	}
	return b.String()
}

// collector gathers the reports of one image.
type collector struct {
	repo    *registry.Repository
	subject string
	size    int64
	// fetched are the layers that were reports: an image has several referrers with the same report when it was attached again.
	fetched map[string]bool
	reports []Report
	skipped []Skipped
}

func (c *collector) skip(name, format string, args ...any) {
	c.skipped = append(c.skipped, Skipped{name, fmt.Sprintf(format, args...)})
}

// referrer takes the reports out of one referrer.
func (c *collector) referrer(ctx context.Context, d registry.Descriptor) error {
	if d.MediaType != registry.MediaTypeManifest {
		c.skip(name(d.Digest, d.ArtifactType), "a referrer of media type %q, which is not read", evidence.Cut(d.MediaType))
		return nil
	}
	m, err := c.repo.Manifest(ctx, d, c.subject, MaxLayers)
	if err != nil {
		return err
	}
	for i, layer := range m.Layers {
		n := name(d.Digest, m.ArtifactType)
		if len(m.Layers) > 1 {
			n = fmt.Sprintf("%s layer %d", n, i+1)
		}
		if err := c.layer(ctx, n, layer); err != nil {
			return fmt.Errorf("read referrer %s: %w", n, err)
		}
	}
	if len(m.Layers) == 0 {
		c.skip(name(d.Digest, m.ArtifactType), "it has no layers")
	}
	return nil
}

// name is what a referrer is called.
func name(digest, artifactType string) string {
	return strings.TrimSpace(evidence.Cut(digest) + " " + evidence.Cut(artifactType))
}

// layer fetches one layer and keeps it if it is a report.
func (c *collector) layer(ctx context.Context, name string, d registry.Descriptor) error {
	switch {
	case ofFiles(d.MediaType):
		c.skip(name, "a layer of files (%s)", d.MediaType)
		return nil
	case c.fetched[d.Digest]:
		c.skip(name, "the same report as that of another referrer")
		return nil
	}
	b, err := c.repo.Fetch(ctx, d, min(MaxLayer, MaxAll-c.size))
	if err != nil {
		return err
	}
	h, err := head(b)
	if err == nil && !formats.IsAttestation(h) {
		_, err = formats.Recognise(h, "")
	}
	switch {
	case errors.Is(err, formats.ErrUnknown) && signed(d.MediaType):
		c.skip(name, "a signature, or an attestation in a form that is not read (%s)", d.MediaType)
	case errors.Is(err, formats.ErrUnknown):
		why, _, _ := strings.Cut(err.Error(), "; ") // what to do about it is said of files, not of layers
		c.skip(name, "%s", why)
	case err != nil:
		return err
	default:
		c.fetched[d.Digest] = true
		c.size += int64(len(b))
		c.reports = append(c.reports, Report{Name: name, Data: b})
	}
	return nil
}

// ofFiles reports whether a layer says of itself that it is an archive of files, as the layers of images are.
func ofFiles(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.oci.image.layer.") || strings.HasPrefix(mediaType, "application/vnd.docker.image.rootfs.")
}

// signed reports whether a layer says of itself that it is signed. It only chooses the words in which it is skipped.
func signed(mediaType string) bool {
	for _, s := range []string{"dsse", "in-toto", "sigstore", "cosign", "jose+json", "application/cose", "pgp"} {
		if strings.Contains(mediaType, s) {
			return true
		}
	}
	return false
}

// head is the beginning of a layer, unpacked.
func head(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, []byte{0x1F, 0x8B}) {
		return b[:min(len(b), evidence.HeadBytes)], nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	h, err := io.ReadAll(io.LimitReader(z, evidence.HeadBytes))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return h, nil
}

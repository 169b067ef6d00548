package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/report"
)

// output is one -o FORMAT[=PATH]; path is "" for stdout.
type output struct{ format, path string }

// outputs reads the -o flags and removes old files at their paths, so that none survives a run that fails. Where no
// output goes to stdout, the text does.
func (k *call) outputs(formats ...string) ([]output, error) {
	var outs []output
	toStdout := false
	for _, spec := range k.StringSlice("output") {
		var o output
		o.format, o.path, _ = strings.Cut(spec, "=")
		if !slices.Contains(formats, o.format) {
			hint := ""
			if p := probable(o.format, formats); p != "" {
				hint = fmt.Sprintf("; did you mean %s?", p)
			}
			return nil, fault.New(fault.Usage, "unknown output format %q%s; there are: %s", o.format, hint, strings.Join(formats, ", "))
		}
		if o.path == "-" {
			o.path = ""
		}
		if o.path == "" {
			if toStdout {
				return nil, fault.New(fault.Usage, "two outputs go to stdout; give one a path: -o %s=PATH", o.format)
			}
			toStdout = true
		} else {
			o.path = k.abs(o.path)
		}
		outs = append(outs, o)
	}
	if !toStdout {
		outs = append(outs, output{format: formats[0]})
	}
	for _, o := range outs {
		if err := removeOld(o.path); err != nil {
			return nil, err
		}
	}
	return outs, nil
}

// removeOld removes a file that an earlier run wrote; devices and pipes stay.
func removeOld(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fault.New(fault.Usage, "look at output path: %w", err)
	case info.IsDir():
		return fault.New(fault.Usage, "output path %q is a directory; name a file in it", path)
	case info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0:
		if err := os.Remove(path); err != nil {
			return fault.New(fault.Usage, "remove old output: %w", err)
		}
	}
	return nil
}

// write writes bytes to an output: to a file through a temporary one, so that no half of a report is ever read.
func (k *call) write(o output, b []byte) error {
	if o.path == "" {
		k.bar.clear()
		if _, err := k.stdout.Write(b); err != nil {
			return fault.New(fault.Record, "write result to stdout: %w", err)
		}
		return nil
	}
	if err := writeWhole(o.path, b); err != nil {
		return fault.New(fault.Record, "write output %s: %w", o.format, err)
	}
	return nil
}

func writeWhole(path string, b []byte) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, b, 0o644) // a device or a pipe cannot be renamed onto
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".cdgate-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// deliver renders a document to every output and, on GitHub, to the step summary and the step's outputs. Every output
// is tried, whatever became of the others.
func (k *call) deliver(outs []output, d report.Document) error {
	var errs []error
	d.Colour = k.colour()
	for _, o := range outs {
		if o.format == "input" && len(d.Input) == 0 {
			continue // no policy was asked; why is said elsewhere
		}
		one := d
		one.Colour = d.Colour && o.path == ""
		b, err := report.Render(o.format, one)
		if err == nil {
			err = k.write(o, b)
		}
		errs = append(errs, err)
	}
	k.tellGitHub(d)
	return errors.Join(errs...)
}

// tellGitHub appends to the files that GitHub Actions names. They are a service to readers: trouble with them is a
// remark and changes no exit code.
func (k *call) tellGitHub(d report.Document) {
	if path := k.getenv("GITHUB_STEP_SUMMARY"); path != "" {
		b, err := report.Render("markdown", d)
		if err == nil {
			var room int64 = report.MaxMarkdown
			if info, err := os.Stat(path); err == nil {
				room -= info.Size()
			}
			err = appendTo(path, report.TruncateMarkdown(b, int(max(room, 0))))
		}
		if err != nil {
			k.note("the step summary was not written: %v", err)
		}
	}
	if path := k.getenv("GITHUB_OUTPUT"); path != "" {
		if err := appendTo(path, report.GitHubOutput(d)); err != nil {
			k.note("the step's outputs were not written: %v", err)
		}
	}
}

func appendTo(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// deliverJSON writes a result that has only the formats text and json.
func (k *call) deliverJSON(outs []output, v any, text func() string) error {
	var errs []error
	for _, o := range outs {
		var b []byte
		var err error
		if o.format == "json" {
			b, err = report.EncodeJSON(v)
		} else {
			b = []byte(text())
		}
		if err == nil {
			err = k.write(o, b)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

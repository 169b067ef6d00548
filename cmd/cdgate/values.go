package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine/fault"
)

// maxValueFile is how long a value that is read from a file or from stdin may be, in bytes.
const maxValueFile = 64 << 10

func isBool(f cli.Flag) bool { _, ok := f.(*cli.BoolFlag); return ok }

func isList(f cli.Flag) bool { _, ok := f.(*cli.StringSliceFlag); return ok }

// environmentName is the variable that sets a flag.
func environmentName(f cli.Flag) string {
	// CDGATE_LOG is the directory of the decision log; the switch of "keys generate" must not read it.
	if isBool(f) && f.Names()[0] == "log" {
		return "CDGATE_KEYS_LOG"
	}
	return "CDGATE_" + strings.ToUpper(strings.ReplaceAll(f.Names()[0], "-", "_"))
}

// environmentValues are what the environment says for a flag: lists have one value per line, and an empty variable
// says nothing.
func environmentValues(f cli.Flag, getenv func(string) string) ([]string, error) {
	name := environmentName(f)
	v := getenv(name)
	if strings.TrimSpace(v) == "" {
		return nil, nil
	}
	if isBool(f) {
		if _, err := strconv.ParseBool(v); err != nil {
			return nil, fault.New(fault.Usage, "environment variable %s is true or false, not %q", name, v)
		}
	}
	if !isList(f) {
		return []string{v}, nil
	}
	var values []string
	for line := range strings.SplitSeq(v, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			values = append(values, line)
		}
	}
	return values, nil
}

// expand replaces a value "@FILE" by what the file holds and "@-" by stdin, without the newline at the end; "@@x" is
// the value "@x".
func (in arguments) expand(f cli.Flag, v string) (string, error) {
	if isBool(f) || !strings.HasPrefix(v, "@") {
		return v, nil
	}
	if strings.HasPrefix(v, "@@") {
		return v[1:], nil
	}
	r := in.stdin
	if v != "@-" {
		path := v[1:]
		if !filepath.IsAbs(path) {
			path = filepath.Join(in.dir, path)
		}
		file, err := os.Open(path)
		if err != nil {
			return "", fault.New(fault.Usage, "read flag --%s: %w; write @@ for a value that begins with @", f.Names()[0], err)
		}
		defer file.Close()
		r = file
	}
	b, err := io.ReadAll(io.LimitReader(r, maxValueFile+1))
	if err != nil {
		return "", fault.New(fault.Usage, "read flag --%s from %q: %w", f.Names()[0], v[1:], err)
	}
	if len(b) > maxValueFile {
		return "", fault.New(fault.Usage, "read flag --%s from %q: longer than %d bytes", f.Names()[0], v[1:], maxValueFile)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", fault.New(fault.Usage, "read flag --%s from %q: it is empty", f.Names()[0], v[1:])
	}
	return s, nil
}

// integer reads a flag's whole number; cli's own message would not name what to do.
func integer(name, v string, least, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return 0, fault.New(fault.Usage, "flag --%s is a whole number from %d to %d, not %s", name, least, most, fmt.Sprintf("%q", v))
	}
	return n, nil
}

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// usage is what one finished process used: user and system time of it and of its finished children, wall time, and the
// peak memory of the largest of them in bytes.
type usage struct {
	cpu, wall time.Duration
	peak      int64
}

// command is one side of a comparison: processes that run one after the other. Codes lists the exit codes that are
// right besides 0.
type command struct {
	name  string
	steps [][]string
	env   []string
	codes []int
}

// run runs the steps and adds up what they used.
func (c command) run() (usage, error) {
	var sum usage
	for _, args := range c.steps {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), c.env...)
		cmd.Stdout = io.Discard
		stderr, err := os.CreateTemp("", "bench")
		if err != nil {
			return sum, err
		}
		cmd.Stderr = stderr
		start := time.Now()
		err = cmd.Run()
		sum.wall += time.Since(start)
		message, _ := os.ReadFile(stderr.Name())
		stderr.Close()
		os.Remove(stderr.Name())
		if code := cmd.ProcessState.ExitCode(); err != nil && !slices.Contains(c.codes, code) {
			return sum, fmt.Errorf("%s: %v exited %d: %.300s", c.name, args, code, message)
		}
		sum.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			sum.peak = max(sum.peak, ru.Maxrss*1024)
		}
	}
	return sum, nil
}

// ratio is A against B: the medians of paired runs A B A B …, so that a machine that drifts does not decide.
type ratio struct {
	cpu, wall, peak float64
	a, b            usage
}

// compare runs both sides in turn and gives the median of each pairwise ratio.
func compare(a, b command, pairs int) (ratio, error) {
	var cpu, wall, peak []float64
	var as, bs []usage
	for i := range pairs + 1 {
		ua, err := a.run()
		if err != nil {
			return ratio{}, err
		}
		ub, err := b.run()
		if err != nil {
			return ratio{}, err
		}
		if i == 0 {
			continue // the first pair warms the page cache
		}
		as, bs = append(as, ua), append(bs, ub)
		cpu = append(cpu, float64(ua.cpu)/float64(ub.cpu))
		wall = append(wall, float64(ua.wall)/float64(ub.wall))
		peak = append(peak, float64(ua.peak)/float64(ub.peak))
	}
	return ratio{cpu: median(cpu), wall: median(wall), peak: median(peak), a: typical(as), b: typical(bs)}, nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// typical is the median of each figure by itself.
func typical(us []usage) usage {
	pick := func(f func(usage) float64) float64 {
		var v []float64
		for _, u := range us {
			v = append(v, f(u))
		}
		return median(v)
	}
	return usage{
		cpu:  time.Duration(pick(func(u usage) float64 { return float64(u.cpu) })),
		wall: time.Duration(pick(func(u usage) float64 { return float64(u.wall) })),
		peak: int64(pick(func(u usage) float64 { return float64(u.peak) })),
	}
}

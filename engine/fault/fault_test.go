package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

func TestClassOfIsTheHighest(t *testing.T) {
	evidence := fault.New(fault.Evidence, "read a.xml: %w", errors.New("cut off"))
	trust := fault.New(fault.Trust, "open statement")
	for name, c := range map[string]struct {
		err  error
		want fault.Class
	}{
		"nil":                         {nil, 0},
		"nobody classified it":        {errors.New("boom"), fault.Internal},
		"one":                         {evidence, fault.Evidence},
		"wrapped":                     {fmt.Errorf("collect: %w", evidence), fault.Evidence},
		"joined":                      {errors.Join(evidence, trust), fault.Trust},
		"joined and unclassified":     {errors.Join(evidence, errors.New("boom")), fault.Evidence},
		"a class around a higher one": {fault.New(fault.Evidence, "all of it: %w", trust), fault.Trust},
		"a class around a lower one":  {fault.New(fault.Record, "all of it: %w", trust), fault.Record},
	} {
		if got := fault.ClassOf(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestWrapKeepsAClass(t *testing.T) {
	if fault.Wrap(fault.Trust, nil) != nil {
		t.Error("nil became an error")
	}
	if got := fault.ClassOf(fault.Wrap(fault.Trust, errors.New("boom"))); got != fault.Trust {
		t.Errorf("an unclassified error became %v", got)
	}
	if got := fault.ClassOf(fault.Wrap(fault.Trust, fault.New(fault.Usage, "no such flag"))); got != fault.Usage {
		t.Errorf("a usage error became %v", got)
	}
}

// TestCodesAreTheContract holds the classes to the exit codes users rely on; 1 and 2 mean nothing and are none.
func TestCodesAreTheContract(t *testing.T) {
	for class, code := range map[fault.Class]int{fault.Evidence: 30, fault.Policy: 40, fault.Trust: 50, fault.Record: 60, fault.Usage: 64, fault.Internal: 70} {
		if int(class) != code || class.String() == "unclassified" {
			t.Errorf("%v is %d, want %d", class, int(class), code)
		}
	}
}

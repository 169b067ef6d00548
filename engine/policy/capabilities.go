package policy

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/version"
)

// capabilitiesJSON lists every built-in function a policy may call: those whose result depends on nothing but their
// arguments. A newer OPA adds none until it is listed here.
//
//go:embed capabilities.json
var capabilitiesJSON []byte

// Capabilities is the pinned list of what a policy may use, as OPA reads it. It is archived with every decision.
func Capabilities() []byte { return bytes.Clone(capabilitiesJSON) }

// allowed is the pinned list with OPA's own declarations, which a test holds to those of the list; nobody changes what
// it points to.
var allowed = sync.OnceValues(func() (*ast.Capabilities, error) {
	var pinned struct {
		AllowNet []string `json:"allow_net"`
		Features []string `json:"features"`
		Builtins []struct {
			Name string `json:"name"`
		} `json:"builtins"`
	}
	if err := json.Unmarshal(capabilitiesJSON, &pinned); err != nil {
		return nil, fmt.Errorf("read pinned capabilities: %w", err)
	}
	c := &ast.Capabilities{AllowNet: pinned.AllowNet, Features: pinned.Features}
	for _, b := range pinned.Builtins {
		declared, ok := ast.BuiltinMap[b.Name]
		if !ok {
			return nil, fmt.Errorf("read pinned capabilities: OPA %s has no built-in %s", version.Version, b.Name)
		}
		c.Builtins = append(c.Builtins, declared)
	}
	// OPA takes an absent or empty list of hosts to mean every host, and leaves an empty one out when it writes it: the
	// list has to name a host that does not exist.
	if !slices.Equal(c.AllowNet, []string{""}) {
		return nil, fmt.Errorf("read pinned capabilities: allow_net is %q, not the one empty host", c.AllowNet)
	}
	if len(c.Builtins) == 0 {
		return nil, fmt.Errorf("read pinned capabilities: no built-in functions")
	}
	return c, nil
})

// OPAVersion is the version of OPA that evaluates, without "v".
func OPAVersion() string { return version.Version }

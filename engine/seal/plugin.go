package seal

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"

	"cdgate.dev/cdgate/engine/fault"
)

// Plugins says which programs may be asked for signatures. A key reference SCHEME://… chooses a program, so the schemes are
// listed and the programs come from one named directory: nothing on PATH, and nothing that a checkout could name.
type Plugins struct {
	// Dir is the absolute path of the directory with the programs sigstore-kms-SCHEME.
	Dir string
	// Allow are the schemes that may be used.
	Allow []string
	// Stderr gets what a program has to say.
	Stderr io.Writer
}

// Schemes are the key management services whose plugins are shipped.
func Schemes() []string { return []string{"awskms", "azurekms", "gcpkms", "hashivault", "hsm"} }

// pluginTime is how long one call of a plugin may take; maxAnswer is the size of its answer.
const (
	pluginTime = 60 * time.Second
	maxAnswer  = 1 << 20
)

// IsPluginKey says whether a key reference names a key in a key management service: SCHEME://….
func IsPluginKey(ref string) bool {
	scheme, _, ok := strings.Cut(ref, "://")
	return ok && scheme != "env" && scheme != "file"
}

// OpenPlugin asks the plugin of a key reference SCHEME://REST for its public key and makes a signer of it. The protocol is
// that of sigstore's command line plugins, version 1, so the programs are the ones cosign uses too. Signatures are checked
// with that public key here: a service is never asked to verify. Errors are of class fault.Usage; they name the scheme and never the rest of
// the reference.
func OpenPlugin(ctx context.Context, ref string, p Plugins) (*Signer, error) {
	scheme, _, _ := strings.Cut(ref, "://")
	program, err := p.program(scheme)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	call := pluginCall{ctx: ctx, program: program, ref: strings.TrimPrefix(ref, scheme+"://"), scheme: scheme, stderr: p.Stderr}
	answer, err := call.do(nil, common.MethodArgs{
		MethodName: common.PublicKeyMethodName, PublicKey: &common.PublicKeyArgs{PublicKeyOptions: &common.PublicKeyOptions{}},
	})
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	if answer.PublicKey == nil {
		return nil, fault.New(fault.Usage, "ask %s for its public key: the plugin gave no key", scheme)
	}
	public, err := canonicalKey(scheme, answer.PublicKey.PublicKeyPEM)
	if err != nil {
		return nil, err
	}
	return &Signer{public: public, sign: call.sign}, nil
}

// canonicalKey is the key that a plugin named, in the one form of this package.
func canonicalKey(scheme string, text []byte) (PublicKey, error) {
	parsed, err := cryptoutils.UnmarshalPEMToPublicKey(text)
	if err != nil {
		return PublicKey{}, fault.New(fault.Usage, "read the public key of %s: %w", scheme, err)
	}
	again, err := cryptoutils.MarshalPublicKeyToPEM(parsed)
	if err != nil {
		return PublicKey{}, fault.New(fault.Usage, "read the public key of %s: %w", scheme, err)
	}
	return ParsePublicKey(scheme, again)
}

// program is the file of a scheme's plugin: of an allowed scheme, in the named directory, a program that nobody but its
// owner can change.
func (p Plugins) program(scheme string) (string, error) {
	switch {
	case !slices.Contains(p.Allow, scheme):
		return "", fmt.Errorf("use key %s://…: the scheme is not allowed; allowed are %s; add it with --kms-allow or CDGATE_KMS_ALLOW where the pipeline is configured",
			cut(scheme), strings.Join(p.Allow, ", "))
	case p.Dir == "":
		return "", fmt.Errorf("use key %s://…: no directory of plugins is configured; name the one that holds %s%s with --kms-plugins or CDGATE_KMS_PLUGINS",
			scheme, cliplugin.PluginBinaryPrefix, scheme)
	case !filepath.IsAbs(p.Dir):
		return "", fmt.Errorf("use key %s://…: the directory of plugins %q is no absolute path", scheme, p.Dir)
	}
	path := filepath.Join(p.Dir, cliplugin.PluginBinaryPrefix+scheme)
	for _, name := range []string{p.Dir, path} {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return "", fmt.Errorf("use key %s://…: %w; install the plugin there", scheme, err)
		case info.Mode().Perm()&0o002 != 0:
			return "", fmt.Errorf("use key %s://…: everybody can change %s, so anybody could sign with the key; chmod o-w it", scheme, name)
		case name == path && !info.Mode().IsRegular():
			return "", fmt.Errorf("use key %s://…: %s is no program", scheme, name)
		}
	}
	return path, nil
}

func cut(s string) string { return s[:min(len(s), 32)] }

// pluginCall runs a plugin for one key.
type pluginCall struct {
	ctx                  context.Context
	program, ref, scheme string
	stderr               io.Writer
}

// sign has the plugin sign a message; the plugin hashes it.
func (c pluginCall) sign(message []byte) ([]byte, error) {
	answer, err := c.do(message, common.MethodArgs{
		MethodName: common.SignMessageMethodName, SignMessage: &common.SignMessageArgs{SignOptions: &common.SignOptions{}},
	})
	if err != nil {
		return nil, err
	}
	if answer.SignMessage == nil || len(answer.SignMessage.Signature) == 0 {
		return nil, fmt.Errorf("sign with %s: the plugin gave no signature", c.scheme)
	}
	return answer.SignMessage.Signature, nil
}

// do is one process of the plugin: arguments in, one JSON answer out.
func (c pluginCall) do(stdin []byte, method common.MethodArgs) (*common.PluginResp, error) {
	ctx, cancel := context.WithTimeout(c.ctx, pluginTime)
	defer cancel()
	deadline, _ := ctx.Deadline()
	args, err := json.Marshal(common.PluginArgs{
		InitOptions: &common.InitOptions{
			CtxDeadline: &deadline, ProtocolVersion: common.ProtocolVersion, KeyResourceID: c.ref,
			HashFunc: crypto.SHA256, RPCOptions: &common.RPCOptions{},
		},
		MethodArgs: &method,
	})
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.scheme, err)
	}
	out := bounded{end: cancel}
	cmd := exec.CommandContext(ctx, c.program, common.ProtocolVersion, string(args))
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = bytes.NewReader(stdin), &out, c.stderr, time.Second
	err = cmd.Run()
	var ended *exec.ExitError
	var answer common.PluginResp
	switch {
	case out.over:
		return nil, fmt.Errorf("ask %s: the plugin wrote more than %d bytes", c.scheme, maxAnswer)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("ask %s: the plugin did not answer within %s", c.scheme, pluginTime)
	case err != nil && (!errors.As(err, &ended) || ended.ExitCode() < 1):
		return nil, fmt.Errorf("ask %s: run %s: %w", c.scheme, c.program, err)
	}
	// A plugin that fails may say why in its answer and end with a status of its own.
	if jerr := json.Unmarshal(out.buf.Bytes(), &answer); jerr != nil {
		return nil, fmt.Errorf("ask %s: the plugin's answer cannot be read (%w)", c.scheme, errors.Join(jerr, err))
	}
	if answer.ErrorMessage != "" || err != nil {
		return nil, fmt.Errorf("ask %s: %s", c.scheme, oneLine(answer.ErrorMessage, err))
	}
	return &answer, nil
}

// oneLine is what a plugin says went wrong, on one line and not too long.
func oneLine(text string, err error) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return fmt.Sprintf("the plugin failed: %v", err)
	}
	return strings.ToValidUTF8(text[:min(len(text), 500)], "")
}

// bounded keeps at most maxAnswer bytes, and ends the plugin when it writes more. The buffer is not embedded: its ReadFrom
// would go around Write.
type bounded struct {
	buf  bytes.Buffer
	end  func()
	over bool
}

// Write keeps p, or fails when that is too much.
func (b *bounded) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > maxAnswer {
		b.over = true
		b.end()
		return 0, errors.New("too much output")
	}
	return b.buf.Write(p)
}

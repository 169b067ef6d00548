package seal

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"

	"cdgate.dev/cdgate/engine/fault"
)

// The test program plays the plugin when it is run under a plugin's name. CDGATE_TEST_PLUGIN says how it behaves.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "sigstore-kms-") {
		playPlugin(os.Getenv("CDGATE_TEST_PLUGIN"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func playPlugin(how string) {
	var args common.PluginArgs
	if len(os.Args) != 3 || os.Args[1] != "v1" || json.Unmarshal([]byte(os.Args[2]), &args) != nil {
		fmt.Print(`{"errorMessage":"bad arguments"}`)
		return
	}
	private := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32)))
	if strings.HasSuffix(how, "other") && args.MethodName == common.SignMessageMethodName {
		private = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	}
	public := must(cryptoutils.MarshalPublicKeyToPEM(private.Public()))
	if how == "p384" {
		public = must(cryptoutils.MarshalPublicKeyToPEM(must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)).Public()))
	}
	signer := must(signature.LoadECDSASigner(private, args.InitOptions.HashFunc))
	message := must(io.ReadAll(os.Stdin))
	resp := common.PluginResp{}
	switch {
	case args.InitOptions.KeyResourceID != "host/gate":
		resp.ErrorMessage = "no such key"
	case how == "error":
		resp.ErrorMessage = "permission denied\n::error::forged line"
	case how == "garbage":
		fmt.Print("hello")
		return
	case how == "endless":
		for {
			fmt.Print(strings.Repeat("x", 1<<16))
		}
	case how == "hangs":
		time.Sleep(time.Hour)
	case how == "crashes":
		os.Exit(3)
	case how == "no-signature" && args.MethodName == common.SignMessageMethodName:
		resp.SignMessage = &common.SignMessageResp{}
	case args.MethodName == common.PublicKeyMethodName:
		resp.PublicKey = &common.PublicKeyResp{PublicKeyPEM: public}
	case args.MethodName == common.SignMessageMethodName:
		resp.SignMessage = &common.SignMessageResp{Signature: must(signer.SignMessage(bytes.NewReader(message)))}
	}
	fmt.Print(string(must(json.Marshal(resp))))
}

// plugins is a directory with this test program as the plugin of scheme testkms.
func plugins(t *testing.T) Plugins {
	t.Helper()
	dir := t.TempDir()
	program := must(os.ReadFile(must(os.Executable())))
	if err := os.WriteFile(filepath.Join(dir, "sigstore-kms-testkms"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	return Plugins{Dir: dir, Allow: []string{"testkms"}, Stderr: io.Discard}
}

// TestPlugin signs through a plugin; whatever a plugin does wrong gives no bundle, with the reason.
func TestPlugin(t *testing.T) {
	p := plugins(t)
	for _, c := range []struct{ how, opens, signs string }{
		{how: ""}, // the twin: all is well
		{how: "error", opens: "ask testkms: permission denied ::error::forged line"},
		{how: "garbage", opens: "cannot be read"},
		{how: "endless", opens: "wrote more than"},
		{how: "crashes", opens: "cannot be read"},
		{how: "p384", opens: "only ECDSA P-256"},
		{how: "other", signs: "signature"},
		{how: "no-signature", signs: "gave no signature"},
	} {
		t.Run("plugin "+c.how, func(t *testing.T) {
			t.Setenv("CDGATE_TEST_PLUGIN", c.how)
			s, err := OpenPlugin(context.Background(), "testkms://host/gate", p)
			if !says(err, c.opens) || err != nil && fault.ClassOf(err) != fault.Usage {
				t.Fatalf("open: %v, want %q", err, c.opens)
			}
			if err != nil {
				return
			}
			bundle, err := s.Sign(statement(`{}`))
			if !says(err, c.signs) {
				t.Fatalf("sign: %v, want %q", err, c.signs)
			}
			if err == nil {
				if _, err := Open(bundle, s.Public()); err != nil {
					t.Error(err)
				}
			} else if bundle != nil {
				t.Error("a bundle in spite of an error")
			}
		})
	}
}

// TestPluginEnds: a plugin that does not answer is ended with the context.
func TestPluginEnds(t *testing.T) {
	t.Setenv("CDGATE_TEST_PLUGIN", "hangs")
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := OpenPlugin(ctx, "testkms://host/gate", plugins(t)); !says(err, "did not answer") || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// TestPluginChoice: which program is run for a key reference is not the reference's choice.
func TestPluginChoice(t *testing.T) {
	good := plugins(t)
	elsewhere := plugins(t)
	t.Setenv("PATH", elsewhere.Dir)
	for _, c := range []struct {
		ref, says string
		edit      func(*Plugins)
	}{
		{"testkms://host/gate", "", func(*Plugins) {}},
		{"otherkms://host/gate", "not allowed", func(*Plugins) {}},
		{"testkms://host/gate", "not allowed", func(p *Plugins) { p.Allow = Schemes() }},
		{"testkms://host/gate", "no directory", func(p *Plugins) { p.Dir = "" }},
		{"testkms://host/gate", "absolute", func(p *Plugins) { p.Dir = "plugins" }},
		{"otherkms://host/gate", "no such file", func(p *Plugins) { p.Allow = []string{"otherkms"} }},
		{"../../bin/sh://x", "not allowed", func(*Plugins) {}},
		{"testkms://host/gate", "everybody can change", func(p *Plugins) {
			*p = plugins(t)
			if err := os.Chmod(filepath.Join(p.Dir, "sigstore-kms-testkms"), 0o757); err != nil {
				t.Fatal(err)
			}
		}},
		{"testkms://host/nobody", "no such key", func(*Plugins) {}},
	} {
		p := good
		c.edit(&p)
		_, err := OpenPlugin(context.Background(), c.ref, p)
		if !says(err, c.says) || err != nil && strings.Contains(err.Error(), "host/gate") {
			t.Errorf("%s: %v, want %q", c.ref, err, c.says)
		}
	}
}

// says reports whether an error says the words; no words mean no error.
func says(err error, words string) bool {
	if words == "" {
		return err == nil
	}
	return err != nil && strings.Contains(err.Error(), words)
}

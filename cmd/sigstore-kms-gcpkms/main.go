// Command sigstore-kms-gcpkms signs with a key in Google Cloud KMS, for programs that speak the
// protocol of sigstore's command line plugins: cdgate and cosign. They run it for keys named
// gcpkms://…; it is not meant to be run by hand. Application default credentials say as whom.
package main

import (
	"context"
	"os"

	"github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/gcp" // the provider
)

func main() {
	if err := run(); err != nil {
		os.Exit(1)
	}
}

func run() error {
	args, err := handler.GetPluginArgs(os.Args)
	if err != nil {
		_ = handler.WriteErrorResponse(os.Stdout, err) // nothing else could be done
		return err
	}
	ctx := context.Background()
	if at := args.InitOptions.CtxDeadline; at != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, *at)
		defer cancel()
	}
	key, err := kms.Get(ctx, "gcpkms://"+args.InitOptions.KeyResourceID, args.InitOptions.HashFunc)
	if err != nil {
		_ = handler.WriteErrorResponse(os.Stdout, err)
		return err
	}
	_, err = handler.Dispatch(os.Stdout, os.Stdin, args, key)
	return err
}

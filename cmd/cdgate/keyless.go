package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/seal/authority"
)

// signingFlags say who signs statements and who vouches for that. Nothing of it may come from .cdgate.yaml: a file of the
// checkout could send identity tokens anywhere.
func signingFlags() []cli.Flag {
	return flags(keyFlags(), one(
		text("identity-token", "without a key: the `FILE` with an OpenID Connect token to sign with, or env://VARIABLE that holds it; default: that of GitHub's or GitLab's CI"),
		text("signing-config", "the Sigstore signing config `FILE` that names the services: certificate authority, timestamp authorities, logs"),
		text("trusted-root", "the Sigstore trusted root `FILE` that the services' answers are checked with"),
		text("timestamp-url", "the `URL` of a timestamp authority (RFC 3161), beside or instead of those of the signing config")))
}

// statementSigner is who signs evidence, sign-offs and decisions: the key, else an identity token, with whatever services are named.
func (k *call) statementSigner() (*seal.Signer, error) {
	services, err := k.services()
	if err != nil {
		return nil, err
	}
	if k.String("key") == "" {
		token := k.identityToken()
		switch {
		case token == nil:
			return k.signer() // says that there is no key
		case services == nil || services.Authority == "":
			return nil, fault.New(fault.Usage, "no key to sign with, and to sign with the identity token that is here the services must be named: "+
				"use --signing-config FILE and --trusted-root FILE, or --key FILE")
		}
		return seal.OpenKeyless(k.Context.Context, token, *services)
	}
	if k.String("identity-token") != "" {
		return nil, fault.New(fault.Usage, "sign with either --key or --identity-token: both are given, by a flag or the environment")
	}
	s, err := k.signer()
	if err != nil || services == nil {
		return s, err
	}
	return s.With(k.Context.Context, *services)
}

// services are those that the flags name; nil for none.
func (k *call) services() (*seal.Services, error) {
	config, url, trusted := k.String("signing-config"), k.String("timestamp-url"), k.String("trusted-root")
	if config == "" && url == "" {
		return nil, nil
	}
	v := seal.Services{}
	if config != "" {
		b, err := readSmall(k.abs(config), seal.MaxRoots)
		if err != nil {
			return nil, fault.New(fault.Usage, "read --signing-config: %w", err)
		}
		if v, err = seal.ReadServices(config, b, k.now); err != nil {
			return nil, err
		}
	}
	if url != "" {
		v.Timestamps = append(v.Timestamps, url)
	}
	if trusted != "" {
		b, err := readSmall(k.abs(trusted), seal.MaxRoots)
		if err != nil {
			return nil, fault.New(fault.Usage, "read --trusted-root: %w", err)
		}
		if v.Roots, err = seal.ParseRoots(trusted, b); err != nil {
			return nil, err
		}
	}
	v.Now = k.world.now
	return &v, nil
}

// identityToken gives tokens: that of the flag, else of the CI system; nil when there is none. No error repeats one.
func (k *call) identityToken() func(context.Context) (string, error) {
	if ref := k.String("identity-token"); ref != "" {
		return func(context.Context) (string, error) {
			if strings.HasPrefix(ref, "ey") && strings.Count(ref, ".") == 2 {
				return "", fault.New(fault.Usage, "read --identity-token: its value is a token itself, which others can read in the list of processes; keep it in a file, or in a variable named with env://VARIABLE")
			}
			_, b, err := k.secret("identity-token", ref)
			return strings.TrimSpace(string(b)), err
		}
	}
	if url, bearer := k.getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), k.getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN"); url != "" && bearer != "" {
		return func(ctx context.Context) (string, error) { return authority.GitHubToken(ctx, url, bearer) }
	}
	if token := k.getenv("SIGSTORE_ID_TOKEN"); token != "" {
		return func(context.Context) (string, error) { return token, nil }
	}
	return nil
}

package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine/seal"
)

// Flags have one meaning and one spelling in every command; each is also CDGATE_<FLAG> in the environment.

func text(name, usage string, aliases ...string) cli.Flag {
	return &cli.StringFlag{Name: name, Usage: usage, Aliases: aliases}
}

func list(name, usage string, aliases ...string) cli.Flag {
	return &cli.StringSliceFlag{Name: name, Usage: usage, Aliases: aliases, KeepSpace: true}
}

func toggle(name, usage string, aliases ...string) cli.Flag {
	return &cli.BoolFlag{Name: name, Usage: usage, Aliases: aliases}
}

func flags(groups ...[]cli.Flag) []cli.Flag {
	var out []cli.Flag
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

func one(f ...cli.Flag) []cli.Flag { return f }

// everywhere are the flags every command has.
func everywhere() []cli.Flag {
	return []cli.Flag{
		text("config", "read `FILE` instead of the nearest .cdgate.yaml, .cdgate.json or .cdgate.cue"),
		toggle("quiet", "no progress or advice on stderr", "q"),
	}
}

func releaseFlags() []cli.Flag {
	return []cli.Flag{
		text("release", "what is released, as `NAME@VERSION`; default: the line and the CI system's tag or commit"),
		text("line", "the `LINE` (product or service); default: the only one in .cdgate.yaml"),
	}
}

func artifactFlag() cli.Flag {
	return list("artifact", "what was built: a `FILE`, or NAME@sha256:HEX; repeat for several")
}

func sourceFlags() []cli.Flag {
	return []cli.Flag{
		text("revision", "the git `COMMIT`; default: the CI system's, else git's HEAD"),
		text("repository", "the `URL` of the repository; default: the CI system's, else git's origin"),
		text("branch", "the `BRANCH`; default: the CI system's, else git's"),
		list("author", "an author, co-author or committer of the commit, as `NAME <E-MAIL>`; those that git knows are added; repeat for several"),
	}
}

func producerFlags() []cli.Flag {
	return []cli.Flag{
		text("job", "the CI `JOB`; default: the CI system's"),
		text("run-id", "the `ID` of the CI run; default: the CI system's"),
		text("attempt", "the `NUMBER` of the attempt within the run; a higher one supersedes; default: the CI system's"),
		text("actor", "who started the run, a `LOGIN`; default: the CI system's"),
	}
}

func targetFlags() []cli.Flag {
	return []cli.Flag{
		text("target", "where to: the `ID` of a target of the gate definition"),
		text("stage", "the `STAGE` at which the gate is asked; default: activate"),
	}
}

func policyFlag() cli.Flag {
	return list("policy", "a further policy source (`DIR` or builtin:NAME); it can only add rules; repeat for several", "p")
}

func redactFlag() cli.Flag {
	return toggle("redact", "replace tokens and private keys in reports by * before anything is stored, instead of refusing the report")
}

// storeFlags say where the evidence store is.
func storeFlags() []cli.Flag {
	return []cli.Flag{
		text("store", "the evidence store: a `DIR`, or oci://REGISTRY/REPOSITORY with the login of docker"),
		text("registry-ca", "a `FILE` with the certificate authorities of the registry (PEM)"),
	}
}

func logFlag() cli.Flag { return text("log", "the `DIR` of the decision log") }

func gateFlag() cli.Flag {
	return text("gate", "the gate definition `FILE`; its signature lies beside it")
}

func rootFlag() cli.Flag {
	return text("root", "who must have signed the gate definition: a fingerprint (SHA256:…) or a public key `FILE`; several with commas, and before them how many: 2/A,B,C")
}

func placeFlags() []cli.Flag {
	return flags(storeFlags(), one(logFlag(), gateFlag(), rootFlag()))
}

// keyFlags say which key signs.
func keyFlags() []cli.Flag {
	return []cli.Flag{
		text("key", "the private key `FILE` to sign with, env://VARIABLE that holds it, or SCHEME://… for a key in a key management service", "k"),
		text("kms-plugins", "the `DIR` with the programs sigstore-kms-SCHEME that sign with keys named SCHEME://…"),
		list("kms-allow", "a `SCHEME` of key management services that may be used; repeat for several; default: "+strings.Join(seal.Schemes(), ", ")),
	}
}

func logKeyFlag() cli.Flag {
	return text("log-key", "the private key `FILE` of the decision log, or env://VARIABLE; default: log.key beside the signing key")
}

func outputFlag(formats ...string) cli.Flag {
	return list("output", "write the result as `FORMAT[=PATH]`, to stdout without a path; repeat for several; formats: "+strings.Join(formats, ", "), "o")
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// signatureStatus says what git's letters for a signature mean.
var signatureStatus = map[string]string{
	"G": "good", "B": "bad", "R": "bad", // R: the key was revoked
	"U": "untrusted", "X": "untrusted", "Y": "untrusted", // signature or key expired
	"E": "unverified", "N": "unverified", // N with a signature in the commit: no program to check it
}

// signature is that of a commit, as git judges it with the keys of the machine and the user.
func (r repo) signature(revision, header string) gitSignature {
	begins := signatureBegins(header)
	if begins == "" {
		return gitSignature{Status: "none"}
	}
	settings, programs := r.verifiers()
	// Without its program git calls some signatures bad that it only could not check.
	if _, err := exec.LookPath(programs[begins]); err != nil {
		return gitSignature{Status: "unverified"}
	}
	out, err := r.trusting().run(append(settings, "show", "--no-patch", "--no-renames", "--no-notes", "--no-color", "--encoding=UTF-8",
		"--format=%G?%x00%GS%x00%GF%x00%GK", revision)...)
	parts := strings.Split(out, "\x00")
	if err != nil || len(parts) != 4 {
		return gitSignature{Status: "unverified"}
	}
	s := gitSignature{Status: first(signatureStatus[parts[0]], "unverified"), By: validText(first(parts[1], parts[2], parts[3]))}
	s.By = evidence.Cut(s.By)
	return s
}

// signatureBegins is the first line of the signature in the header of a commit, "" where there is none.
func signatureBegins(header string) string {
	return first(headerValue(header, "gpgsig"), headerValue(header, "gpgsig-sha256"))
}

// trusting is the same repository for a command that needs the user's keys.
func (r repo) trusting() repo {
	if r.lookup == nil {
		return r
	}
	if v, set := r.lookup("GNUPGHOME"); set {
		r.env = append(slices.Clone(r.env), "GNUPGHOME="+v)
	}
	return r
}

// verifiers are settings that say which programs and which files check a signature: those of the machine and the user.
// The repository's own configuration has no say: it could name a program of the checkout, or keys of its own. The programs
// are also by the first line of the signatures that they check.
func (r repo) verifiers() (settings []string, programs map[string]string) {
	outside := r
	outside.env = slices.DeleteFunc(slices.Clone(r.env), func(s string) bool {
		return strings.HasPrefix(s, "GIT_DIR=") || strings.HasPrefix(s, "GIT_WORK_TREE=")
	})
	outside.env = append(outside.env, "GIT_DIR="+os.DevNull)
	pgp := first(outside.or("config", "--includes", "--get", "gpg.openpgp.program"), outside.or("config", "--includes", "--get", "gpg.program"), "gpg")
	x509 := first(outside.or("config", "--includes", "--get", "gpg.x509.program"), "gpgsm")
	ssh := first(outside.or("config", "--includes", "--get", "gpg.ssh.program"), "ssh-keygen")
	settings = []string{"-c", "gpg.minTrustLevel=undefined", "-c", "gpg.program=" + pgp, "-c", "gpg.openpgp.program=" + pgp,
		"-c", "gpg.x509.program=" + x509, "-c", "gpg.ssh.program=" + ssh}
	for name, usual := range map[string]string{"gpg.ssh.allowedSignersFile": os.DevNull, "gpg.ssh.revocationFile": ""} {
		// A relative path is one in the checkout: a commit would say which keys may sign it.
		file := outside.or("config", "--includes", "--type=path", "--get", name)
		if !filepath.IsAbs(file) {
			file = usual
		}
		settings = append(settings, "-c", name+"="+file)
	}
	return settings, map[string]string{
		"-----BEGIN PGP SIGNATURE-----": pgp, "-----BEGIN PGP MESSAGE-----": pgp, "-----BEGIN SIGNED MESSAGE-----": x509, "-----BEGIN SSH SIGNATURE-----": ssh,
	}
}

#!/bin/sh
# A test fails and a critical vulnerability has a fix: block, exit code 20, and no sign-off can change it.
# Needs cdgate on PATH. Everything it writes is in a new directory under $TMPDIR.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cp -R "$here/reports" "$here/gate.yaml" .
printf 'the payments service, version 1.4.2\n' > payments.tar

# The organisation: keys outside the repository, and a gate definition signed by its root key.
export CDGATE_KEY_PASSWORD=''
for who in root ci gate eva sam; do cdgate keys generate --out "$who"; done
cdgate keys generate --log --out log
cdgate gate sign --key root.key gate.yaml
export CDGATE_GATE=gate.yaml CDGATE_ROOT=root.pub CDGATE_STORE=store CDGATE_LOG=decisions CDGATE_LINE=payments

# CI: each report becomes a signed statement about what was built.
cdgate collect --key ci.key --release payments@1.4.2 --revision 3f2a9c1d5b7e8a9f0c1d2e3f4a5b6c7d8e9f0a1b \
	--repository https://git.acme.example/payments --author "Sam Janssens <sam@acme.example>" --artifact payments.tar reports

# The gate says no and why; a block is recorded like any other decision.
code=0
cdgate evaluate --key gate.key --release payments@1.4.2 --artifact payments.tar --target production --record decision.json || code=$?
[ "$code" = 20 ]
cdgate explain --release payments@1.4.2 --artifact payments.tar --target production || [ $? = 20 ]

# The deploy job is stopped too, and the auditor can repeat the decision.
cdgate verify decision.json --artifact payments.tar --target production || [ $? = 20 ]
cdgate replay decision.json

#!/bin/sh
# The same evidence, but the target's trigger is manual: a person signs, and then it is allowed.
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

# The gate: 10 means that people must still sign.
cdgate evaluate --key gate.key --release payments@1.4.2 --artifact payments.tar --target production --record decision.json || [ $? = 10 ]

# The author of the change is refused (20); somebody else with the role is not.
cdgate approve --key sam.key --yes payments@1.4.2 || [ $? = 20 ]
cdgate approve --key eva.key --yes --comment "the shops are told" payments@1.4.2
cdgate evaluate --key gate.key --release payments@1.4.2 --artifact payments.tar --target production --record decision.json

# The deploy job and the auditor.
cdgate verify decision.json --artifact payments.tar --target production
cdgate replay decision.json

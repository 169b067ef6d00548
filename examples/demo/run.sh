#!/bin/sh
# The main job, end to end, on this project's own reports: collect, decide, sign off, verify, replay.
# Everything it writes is under .demo in the repository; the tools it builds are kept in ~/.cache/cdgate.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
work=.demo
reports=$work/reports
rm -rf "$work/gate" "$work/record" "$reports"
mkdir -p "$reports" "$work/gate" "$work/record"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') off=$(printf '\033[0m'); else bold='' dim='' off=''; fi
step() { printf '\n%s== %s ==%s\n' "$bold" "$1" "$off"; }
note() { printf '%s%s%s\n' "$dim" "$1" "$off"; }
# Shows a command, runs it, and checks that its exit code is the one the story needs.
run() {
	want=$1; shift
	printf '%s$ cdgate %s%s\n' "$dim" "$*" "$off"
	code=0
	bin/cdgate "$@" || code=$?
	printf '%s(exit code %s)%s\n' "$dim" "$code" "$off"
	[ "$code" = "$want" ] || { echo "the demo expected exit code $want" >&2; exit 1; }
}

step "1. Real reports about this checkout"
commit=$(git rev-parse HEAD)
version=0.0.0-$(git rev-parse --short HEAD)
packages="./engine/decide ./engine/gate ./evidence/strictjson ./evidence/strictxml"
note "go test, gosec and syft write them; the tools are built once"
# shellcheck disable=SC2086
CGO_ENABLED=0 go test -json -coverprofile="$reports/cover.out" -covermode=atomic $packages > "$reports/tests.json" || note "a test fails: the gate will say which"
# gosec exits 1 when it finds something: the report says so, and the gate decides.
# shellcheck disable=SC2086
"$(.tools/tool gosec)" -fmt sarif -out "$reports/gosec.sarif" $packages 2>/dev/null || true
SYFT_CHECK_FOR_APP_UPDATE=false "$(.tools/tool syft)" scan -q file:bin/cdgate -o "cyclonedx-json=$reports/sbom.json"
ls -l "$reports" | awk 'NR > 1 { printf "  %9d bytes  %s\n", $5, $NF }'

step "2. An organisation: keys, people and a signed gate definition"
export CDGATE_KEY_PASSWORD=''
unset COSIGN_PASSWORD || true
for who in root ci gate eva author; do bin/cdgate keys generate --out "$work/gate/$who" >/dev/null 2>&1; done
bin/cdgate keys generate --log --out "$work/gate/log" >/dev/null 2>&1
{
	sed '/^people:/,$d' examples/demo/gate.yaml
	echo "people:"
	echo "  eva: {name: Eva Peeters, keys: [eva.pub], emails: [eva@acme.example]}"
	echo "  author: {name: The author of this commit, keys: [author.pub], emails: [$(git log -1 --format='%ae%n%ce' | sort -u | paste -sd, -)]}"
	sed '1,/^# people/d' examples/demo/gate.yaml
} > "$work/gate/gate.yaml"
note "a pipeline sets these once:"
export CDGATE_GATE=$work/gate/gate.yaml CDGATE_ROOT=$work/gate/root.pub CDGATE_STORE=$work/gate/store CDGATE_LOG=$work/gate/decisions
export CDGATE_LOG_KEY=$work/gate/log.key CDGATE_LINE=cdgate CDGATE_RELEASE=cdgate@$version CDGATE_REVISION=$commit
env | grep '^CDGATE_' | grep -v PASSWORD | sort | sed 's/^/  /'
run 0 gate sign --key $work/gate/root.key

step "3. Collect: each report becomes a signed statement about the binary"
run 0 collect --key $work/gate/ci.key --artifact bin/cdgate $reports

evaluate() {
	want=$1 target=$2 artifact=$3
	run "$want" evaluate --key $work/gate/gate.key --artifact "$artifact" --target "$target" --record $work/record/"$target".json
}

step "4. Continuous deployment: staging asks nobody"
evaluate 0 staging bin/cdgate

step "5. Continuous delivery: production wants a person"
evaluate 10 production bin/cdgate

step "6. The author may not approve, Eva may"
run 20 approve --key $work/gate/author.key --yes --target production
run 0 approve --key $work/gate/eva.key --yes --target production --comment "the notes are out"
evaluate 0 production bin/cdgate

step "7. One byte changed after the build: nothing vouches for it"
cp bin/cdgate "$work/tampered"
printf 'x' >> "$work/tampered"
evaluate 20 production $work/tampered
evaluate 0 production bin/cdgate >/dev/null

step "8. What an auditor does, years later"
run 0 verify $work/record/production.json --artifact bin/cdgate --target production
run 0 replay $work/record/production.json
run 0 log list
run 0 log verify

printf '\n%sThat is cdgate.%s The records are in %s; the next page to read is README.md.\n' "$bold" "$off" "$work/record"

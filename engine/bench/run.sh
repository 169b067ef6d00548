#!/bin/sh
# Builds the peers (once) and the bench, and prints the table. BENCH_PAIRS sets the pairs of runs for each ratio.
set -eu
cd "$(dirname "$0")/../.."
opa=$(.tools/tool opa)
cosign=$(.tools/tool cosign)
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
# The program is built with the flags of the peers, so that sizes compare.
CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$bin/cdgate" ./cmd/cdgate
CGO_ENABLED=0 go build -trimpath -o "$bin/bench" ./engine/bench
"$bin/bench" -cdgate "$bin/cdgate" -opa "$opa" -cosign "$cosign" -pairs "${BENCH_PAIRS:-7}"

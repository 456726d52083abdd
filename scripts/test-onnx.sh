#!/usr/bin/env bash
# Executes the nets that the tests export in ONNX Runtime, which comes from npm's registry into
# build/onnxruntime. Exit code: 77 where it is not there and cannot be had.
#
#   scripts/test-onnx.sh [FOLDER]     FOLDER of ONNX files and tensors; as bin/onnx_nets writes it
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

nets="${1-$root/build/release/onnx_nets}"
home="$root/build/onnxruntime"
version=1.30.0

skip() {
  echo "skipped: nets in ONNX Runtime: $1"
  exit 77
}

command -v node > /dev/null || skip "there is no node (Debian: apt-get install nodejs npm)"
if [ ! -e "$home/node_modules/onnxruntime-node/package.json" ]; then
  command -v npm > /dev/null || skip "there is no npm (Debian: apt-get install npm)"
  mkdir -p "$home"
  # The package has the runtime; what it would download besides is for graphics cards.
  ONNXRUNTIME_NODE_INSTALL=skip timeout 120 npm install --prefix "$home" --ignore-scripts \
    --no-audit --no-fund --loglevel=error "onnxruntime-node@$version" ||
    skip "npm cannot install onnxruntime-node"
fi
if [ ! -d "$nets" ]; then
  build_preset release onnx_nets
  "$root/build/release/bin/onnx_nets" "$nets"
fi

messages="$(mktemp)"
trap 'rm -f "$messages"' EXIT
result=0
node "$root/tests/onnx/run_onnx.js" "$home" "$nets" 2> "$messages" || result=$?
if [ -s "$messages" ]; then
  cat "$messages"
  echo "ONNX Runtime has warnings, or node has"
  result=1
fi
exit "$result"

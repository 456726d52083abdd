#!/usr/bin/env bash
# Runs shellcheck over every shell script. Exit code 77 says that it is not installed.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if ! command -v shellcheck > /dev/null; then
  echo "shellcheck is not installed" >&2
  exit 77
fi
cd "$root"
shellcheck --external-sources .ci/run benchmarks/*.sh scripts/*.sh tests/project/*.sh \
  tests/interchange/*.sh

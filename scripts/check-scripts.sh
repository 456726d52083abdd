#!/usr/bin/env bash
# Runs shellcheck over every shell script, and looks for pipes that fail now and then. Exit code 77
# says that shellcheck is not installed.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if ! command -v shellcheck > /dev/null; then
  echo "shellcheck is not installed" >&2
  exit 77
fi
cd "$root"
scripts=(.ci/run benchmarks/*.sh scripts/*.sh tests/project/*.sh tests/interchange/*.sh)
shellcheck --external-sources "${scripts[@]}"

# What stops reading before the end makes the writer of its pipe fail, now and then.
early='(^|[^|])\| *(head\b|grep [^|]*(-q|--quiet))'
if grep --line-number --extended-regexp "$early" "${scripts[@]}"; then
  echo "pipes into head or a quiet grep; these read all: sed -n 1p, grep ... > /dev/null" >&2
  exit 1
fi

#!/usr/bin/env bash
# Checks that clang-format would change no source file; with --fix, formats them. Versions of
# clang-format differ in their output: this project uses 14. Exit code 77 says that only another one
# is installed.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=14
formatter="$(command -v "clang-format-$version" || command -v clang-format || true)"
if [ -z "$formatter" ] || ! "$formatter" --version | grep "version $version\." > /dev/null; then
  echo "clang-format $version is not installed" >&2
  exit 77
fi
mode=(--dry-run -Werror)
if [ "${1-}" = --fix ]; then
  mode=(-i)
fi
cd "$root"
source_files | tr '\n' '\0' | xargs -0 "$formatter" "${mode[@]}"

#!/usr/bin/env bash
# Runs clang-tidy with the checks of .clang-tidy over every source file, or over those named:
# scripts/check-tidy.sh core/tape.cpp. Takes the compile commands of build/dev-clang. Benchmarks of
# other frameworks are left out: clang does not take PyTorch's headers.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$root"
cmake --preset dev-clang > /dev/null
if [ "$#" -eq 0 ]; then
  mapfile -t files < <(source_files | grep '\.cpp$' | grep -v -e '^benchmarks/peers/' -e _peer_torch)
  set -- "${files[@]}"
fi
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(jobs)" clang-tidy --quiet -p build/dev-clang

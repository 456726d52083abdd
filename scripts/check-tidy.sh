#!/usr/bin/env bash
# Runs clang-tidy with the checks of .clang-tidy over source files:
#
#   scripts/check-tidy.sh                 of what the work tree and the last 20 commits changed, the 40
#                                         files that changed last, and a sixteenth of all files, another
#                                         one after each commit
#   scripts/check-tidy.sh --all           everything
#   scripts/check-tidy.sh core/tape.cpp   the files named
#
# For a changed header, the .cpp file of the same name is checked. Uses the compile commands of
# build/dev-clang. Benchmarks of other frameworks are left out: clang does not compile PyTorch's
# headers. So are the exercises of the course, which bin/course compiles.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$root"
cmake --preset dev-clang > /dev/null

all_files() {
  source_files | grep '\.cpp$' \
    | grep -v -e '^benchmarks/peers/' -e _peer_torch -e '^examples/course/.*/'
}

# What changed last comes first. Without a history, every file counts as changed.
changed_files() {
  if ! git rev-parse --verify --quiet HEAD > /dev/null; then
    all_files
    return
  fi
  { git diff --name-only HEAD; git log --max-count=20 --name-only --format=; } \
    | sed 's/\.h$/.cpp/' | awk '!seen[$0]++'
}

# A sixteenth of all files, in turn.
sixteenth() { all_files | awk -v turn="$(git rev-list --count HEAD 2> /dev/null || echo 0)" \
  'NR % 16 == turn % 16'; }

case "${1-}" in
  --all) mapfile -t files < <(all_files) ;;
  "") mapfile -t files < <({ { changed_files | grep --fixed-strings --line-regexp \
    --file=<(all_files) || true; } | sed -n 1,40p; sixteenth; } | sort --unique) ;;
  *) files=("$@") ;;
esac
echo "clang-tidy: ${#files[@]} of $(all_files | wc -l) files"
printf '%s\0' "${files[@]}" \
  | "${large_pages[@]}" xargs -0 -n 1 -P "$(jobs)" clang-tidy --quiet -p build/dev-clang

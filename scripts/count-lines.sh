#!/usr/bin/env bash
# Lines of code, neither blank nor comment, by folder: the library (plain definitions apart), then
# programs and tests.
#
#   scripts/count-lines.sh [COMMIT]    of the work tree, or of a commit
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

commit="${1-}"
files() { if [ -n "$commit" ]; then git ls-tree -r --name-only "$commit"; else git ls-files; fi; }
text() { if [ -n "$commit" ]; then git show "$commit:$1"; else cat "$1"; fi; }

# count NAME PATTERN [EXCEPT]: prints the lines of all files that match.
count() {
  local lines=0 file
  while read -r file; do
    [ -z "$commit" ] && [ ! -f "$file" ] && continue
    lines=$((lines + $(text "$file" | grep -cvE '^[[:space:]]*(//.*)?$' || true)))
  done < <(files | grep -E "$2" | grep -vE "${3:-^\$}")
  printf '%-22s %6d\n' "$1" "$lines"
  total=$((total + lines))
}

sources='\.(h|cpp)$'
plain='_plain\.(h|cpp)$'
total=0
for folder in $(files | sed -nE "s,^(core/[^/]+)/.*$sources,\1,p" | sort -u); do
  count "$folder" "^$folder/.*$sources" "$plain"
done
count 'core itself' "^core/[^/]*$sources"
for folder in nn optim datasets; do count "$folder" "^$folder/.*$sources" "$plain"; done
printf '%-22s %6d\n\n' 'core nn optim datasets' "$total"
for folder in train examples tests benchmarks; do count "$folder" "^$folder/.*$sources"; done
count 'plain definitions' "^(core|nn|optim|datasets)/.*$plain"

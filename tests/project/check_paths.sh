#!/usr/bin/env bash
# Every file that a comment or a document names exists: paths from the top (core/tape.h), and names
# alone (tape.h), which some file of the project must have. ROOT is the source tree.
#
#   check_paths.sh ROOT
set -euo pipefail
cd "$1"

# What documents tell readers to write or to expect, and files of others.
not_ours='^(my_|your_|main\.cpp|net\.|cblas\.h|zlib\.h|curl\.h|png\.h|jpeglib\.h|isatty|train\.cpp|llm\.c)'

mapfile -t files < <(find ./*.md gradus.h docs core nn optim datasets train examples tests \
  benchmarks cmake scripts -type f 2> /dev/null | sed 's,^\./,,' | grep -v '^tests/conformance/')
names="$(printf '%s\n' "${files[@]}" | sed 's,.*/,,' | sort -u)"
extensions='(h|cpp|py|sh|cmake|md|svg)'
failed=0

# Documents whole; of sources, the comments.
named_in() {
  case "$1" in
    *.md) cat "$1" ;;
    *.h | *.cpp) grep -oE '(^|[[:space:]])//.*' "$1" || true ;;
    *.sh | *.cmake | *.py | *.txt) grep -oE '(^|[[:space:]])#.*' "$1" || true ;;
  esac | grep -oE "[A-Za-z0-9_./<>*-]*[A-Za-z0-9_]\.$extensions\b" | sort -u || true
}

for file in "${files[@]}"; do
  [ "$file" != CHANGELOG.md ] || continue # it names files that have moved
  while read -r name; do
    case "$name" in
      '' | *'<'* | *'*'* | /* | http*) continue ;;
    esac
    name="${name#gradus/}"
    if [[ "$name" == */* ]]; then
      [[ "$name" =~ ^(\./|\.\./)*(core|nn|optim|datasets|train|examples|tests|benchmarks|cmake|docs|scripts)/ ]] || continue
      path="${name##*../}"
      path="${path#./}"
      [ -e "$path" ] || [ -e "$(dirname "$file")/$name" ] || {
        echo "$file names $name, which does not exist"
        failed=1
      }
    elif ! [[ "$name" =~ $not_ours ]] && ! grep -qxF "$name" <<< "$names"; then
      echo "$file names $name, and no file is called so"
      failed=1
    fi
  done < <(named_in "$file")
done
exit "$failed"

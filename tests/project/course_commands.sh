#!/usr/bin/env bash
# The commands in the texts of the course: course_commands.sh SOURCE_FOLDER BIN_FOLDER. Each `course`
# command runs, in a folder of its own, and ends as it does for exercises that are not solved; the
# experiments and options that are named exist; so do scripts and targets.
set -euo pipefail
source="$1"
bin="$2"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
  echo "$1"
  failed=1
}

commands() {
  awk 'FNR == 1 {p = 0} /^```sh/ {p = 1; next} /^```/ {p = 0} p' "$source"/examples/course/*/README.md \
    "$source/examples/course/README.md" | sed 's/ *#.*//' | sort -u
}

count=0
while read -r line; do
  count=$((count + 1))
  read -ra words <<< "${line#COURSE_SYNTHETIC=1 }"
  case "${words[0]}" in
    build/release/bin/course)
      [ "${#words[@]}" -eq 1 ] && continue # watches: tests of the program do that
      status=0
      "$bin/course" --dir "$work" "${words[@]:1}" > "$work/said" 2>&1 || status=$?
      if [ "$status" -ne 1 ] || ! grep -q . "$work/said" || grep -q '^course: ' "$work/said"; then
        fail "$line: status $status: $(cat "$work/said")"
      fi
      ;;
    build/release/bin/norm_lab)
      for word in "${words[@]:1}"; do
        { "$bin/norm_lab" list; "$bin/norm_lab" --help; "$bin/norm_lab" run --help; } > "$work/said"
        grep -qwF -e "$word" "$work/said" || fail "$line: there is no $word"
      done
      ;;
    scripts/*) [ -x "$source/${words[0]}" ] || fail "$line: there is no such script" ;;
    cmake) [ "$line" = "cmake --build build/release --target norm_lab" ] || fail "$line: not known" ;;
    *) fail "$line: not known" ;;
  esac
done < <(commands)
[ "$count" -ge 8 ] || fail "only $count commands were found"
exit "$failed"

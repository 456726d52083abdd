#!/usr/bin/env bash
# Feeds the file readers with hostile bytes: builds the programs of tests/fuzz with clang's
# libFuzzer and the address and undefined-behaviour sanitizers, and runs each for some seconds.
#
#   scripts/fuzz.sh              10 seconds for each program
#   scripts/fuzz.sh 300 idx      300 seconds for fuzz_idx
#
# Before that, each reads the large inputs of tests/fuzz/large_inputs.py. Inputs that find something
# new are kept in build/asan/corpus; one that crashes, leaks, takes more than two seconds (one without
# the sanitizers) or allocates more than 64 MiB at once lands in build/asan/found and ends the script
# with an error.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

seconds="${1:-10}"
shift || true
targets=("$@")
if ! [[ "$seconds" =~ ^[1-9][0-9]*$ ]]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
  exit 2
fi

build_preset asan fuzz
cd "$root/build/asan"
python3 "$root/tests/fuzz/large_inputs.py" large
if [ "${#targets[@]}" -eq 0 ]; then
  for program in bin/fuzz_*; do
    targets+=("${program#bin/fuzz_}")
  done
fi
mkdir -p found
# Files that are written and flushed for each input go to memory.
if [ -d /dev/shm ]; then export TMPDIR=/dev/shm; fi

# fuzz TARGET: the large inputs, then new ones. Fails if it finds something.
fuzz() {
  local target="$1" found=0
  local words=("$root/tests/fuzz/dictionaries/$target.dict")
  printf '\n===== %s, %s s\n' "$target" "$seconds"
  mkdir -p "corpus/$target"
  [ -e "${words[0]}" ] || words=()
  local limits=(-malloc_limit_mb=64 -rss_limit_mb=1024 "-artifact_prefix=found/$target-")
  "bin/fuzz_$target" -timeout=20 "${limits[@]}" "large/$target"/* 2>&1 \
    | grep --invert-match --extended-regexp '^(Running|INFO|[*]{3}|bin)' \
    || found=1
  "bin/fuzz_$target" -max_total_time="$seconds" -max_len=1048576 -timeout=2 "${limits[@]}" \
    -print_final_stats=1 -verbosity=1 \
    ${words[@]+"-dict=${words[0]}"} \
    "corpus/$target" "$root/tests/fuzz/corpus/$target" 2>&1 \
    | grep --invert-match --extended-regexp '^#[0-9]+[[:space:]]+(NEW|REDUCE|pulse)' \
    || found=1
  return "$found"
}
export -f fuzz
export root seconds
if ! printf '%s\n' "${targets[@]}" | xargs -P "$(jobs)" -I '{}' bash -o pipefail -c 'fuzz {}'; then
  echo "Found something; the inputs are in build/asan/found" >&2
  exit 1
fi
echo "Nothing was found."

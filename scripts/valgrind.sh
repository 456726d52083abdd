#!/usr/bin/env bash
# A short part of the tests under valgrind's memcheck, which also detects reads of memory that was
# never written. Uses the release build. Valgrind does not support AVX-512, so the kernels run in
# their baseline form; further arguments go to valgrind.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if ! command -v valgrind > /dev/null; then
  echo "valgrind is not installed (scripts/install-deps.sh --test)" >&2
  exit 77
fi

build_preset release test_core test_datasets test_nn test_optim

# The allocator keeps its blocks until the end of the process; they are "still reachable". Tests
# that depend on time are left out, as everything takes some thirty times as long, and one that runs
# out of memory, since valgrind needs more of it.
check() {
  local program="$1"
  shift
  printf '\n===== %s %s\n' "$program" "$*"
  GRADUS_ISA=baseline GRADUS_NUM_THREADS=2 OPENBLAS_CORETYPE=Haswell \
    valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    ${options[@]+"${options[@]}"} "$root/build/release/bin/$program" \
    --test-case-exclude='*in linear time*,*out of memory*' "$@"
}
options=("$@")

# All at once.
running=()
check test_core --source-file='*tape_test*,*safetensors_test*,*allocator_test*,*index_test*,*norm_test*' & running+=($!)
check test_datasets --source-file='*idx_test*,*gzip_test*,*loader_test*' & running+=($!)
check test_nn --source-file='*model_json_test*,*layers_test*,*module_test*' & running+=($!)
check test_optim --source-file='*optimizer_test*' & running+=($!)
failed=0
for process in "${running[@]}"; do wait "$process" || failed=1; done
exit "$failed"

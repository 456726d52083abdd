#!/usr/bin/env bash
# Which lines of core, nn, optim, datasets and train the tests run: builds with counters in
# build/coverage, runs the test programs and summarizes with gcovr. Writes
# build/coverage/coverage.html and prints the total. Exit code 1 if it is below the required minimum:
#
#   scripts/coverage.sh          at least 95 % of the lines
#   scripts/coverage.sh 90
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

least="${1:-95}"
if ! command -v gcovr > /dev/null; then
  echo "gcovr is not installed (scripts/install-deps.sh --test)" >&2
  exit 77
fi

build_preset coverage
cd "$root"
find build/coverage -name '*.gcda' -delete
# Without tests that inspect the project rather than run its code, and without slow ones.
ctest --test-dir build/coverage --no-tests=error --output-on-failure --parallel "$(jobs)" \
  --exclude-regex '^(project|document|interchange|package)' --label-exclude slow
gcovr --root . --object-directory build/coverage --filter core/ --filter nn/ --filter optim/ \
  --filter datasets/ --filter train/ --exclude build/ -j "$(jobs)" --sort-uncovered --print-summary \
  --html-details build/coverage/coverage.html --fail-under-line "$least"

#!/usr/bin/env bash
# Kills a training run at random moments, many times, and checks that it always ends with the bits
# of an undisturbed one. Uses the release build.
#
#   scripts/soak.sh            200 kills
#   scripts/soak.sh 50 7       50 kills, at the random moments of seed 7
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_preset release mnist test_programs > /dev/null
export GRADUS_KILLS="${1:-200}" GRADUS_KILL_SEED="${2:-1}"
exec "$root/build/release/bin/test_programs" --test-case='a run killed by SIGKILL*'

#!/usr/bin/env bash
# Starts the course: installs what is missing, builds Gradus and the course, and watches your
# exercises in the folder my-course. Arguments go to bin/course: scripts/course.sh --poll.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# shellcheck disable=SC2119  # without --test
install_dependencies
build_preset release course
exec "$root/build/release/bin/course" "$@"

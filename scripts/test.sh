#!/usr/bin/env bash
# Installs what is missing, builds the release preset and runs every test. Arguments go to ctest:
# scripts/test.sh -R core.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install_dependencies --test
build_preset release
ctest --test-dir "$root/build/release" --no-tests=error --output-on-failure \
  --parallel "$(jobs)" "$@"

#!/usr/bin/env bash
# Installs what is missing, builds the release preset and trains on MNIST. Arguments go to
# `mnist train`: scripts/train-mnist.sh --epochs 3 --seed 1. Standard output is only the program's.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

{
  # shellcheck disable=SC2119  # none of our arguments are for it
  install_dependencies
  build_preset release mnist
} >&2
exec "$root/build/release/bin/mnist" train "$@"

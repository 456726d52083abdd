#!/usr/bin/env bash
# Compares Gradus with PyTorch (libtorch), oneDNN and ONNX Runtime on this machine: whole nets in
# training and inference, single layers forward and backward, and training beside other load.
# Installs the peers, builds, runs all programs in turns, and prints Markdown tables: medians over
# the rounds, how many times as good as each peer Gradus is, and the 95 % interval of that.
#
#   benchmarks/compare.sh [--threads N] [--isa avx2] [--rounds N] [--quick] [--only REGEX]
#                         [--data FOLDER] [--record] [--no-build]
#
#   --threads N    for all programs; default: one per processor
#   --isa avx2     as a processor without AVX-512. ONNX Runtime cannot be told, and is left out
#   --rounds N     at most so many. A row is settled, and left out of further rounds, once there
#                  are six and its intervals are narrower than 5 %; default 20
#   --quick        a few minutes: 2 rounds unless --rounds says more, and short ones
#   --only REGEX   nets and layers whose name matches; "busy" is training beside other load
#   --data FOLDER  also train the recipe "fast" on the MNIST files in it, from process start to the
#                  accuracy on the test images, with the seeds 1, 2, 3 ...
#   --record       append the ratios to benchmarks/history.jsonl
#   --no-build     neither install nor build: measure with what is there
#
# Of PyTorch the better of both memory layouts counts. "dcgan" infers by its generator, "wgan-gp" by
# its critic. Run it on an otherwise idle machine.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

case " $* " in
  *" -h "* | *" --help "*) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" && exit 0 ;;
esac
command -v python3 > /dev/null || install_dependencies --peers
exec python3 -B "$root/benchmarks/compare.py" "$@"

#!/usr/bin/env bash
# Compares Gradus with PyTorch (libtorch) and oneDNN on this machine: whole nets in training and
# inference, and single layers forward and backward. Installs the peers from Debian's packages,
# builds, runs all programs in turns, and prints medians over the rounds as Markdown tables.
#
#   benchmarks/compare.sh [--threads N] [--rounds N] [--quick] [--data FOLDER]
#
#   --threads N    for all programs; default: one per processor
#   --rounds N     each program runs so many times; default 5
#   --quick        a few minutes: 2 rounds unless --rounds says more, and short ones
#   --data FOLDER  also train the recipe "fast" on the MNIST files in it, from process start to the
#                  accuracy on the test images, with the seeds 1, 2, 3 ...
#
# Run it on an otherwise idle machine.
# shellcheck disable=SC2016  # $framework belongs to jq
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"
export LC_ALL=C # a point in numbers

usage() {
  sed -n '2,/^set /{/^set /d;/shellcheck/d;s/^# \{0,1\}//;p;}' "$0"
}

threads="$(jobs)"
rounds=""
data=""
net_seconds=3
layer_seconds=0.5
while [ $# -gt 0 ]; do
  case "$1" in
    --threads) threads="${2?--threads needs a number}" && shift 2 ;;
    --rounds) rounds="${2?--rounds needs a number}" && shift 2 ;;
    --data) data="${2?--data needs a folder}" && shift 2 ;;
    --quick)
      net_seconds=1
      layer_seconds=0.1
      rounds="${rounds:-2}"
      shift
      ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
rounds="${rounds:-5}"

bin="$root/build/release/bin"
nets=(basic lenet mlp norm-batch norm-group norm-layer norm-instance)
results="$(mktemp)"
trap 'rm -f "$results"' EXIT

# note FRAMEWORK FILTER: reads the object on the last line and appends "table row framework number".
note() {
  tail -n 1 | jq --raw-output --arg framework "$1" "$2 | @tsv" >> "$results"
}

# measure_net FRAMEWORK PROGRAM NET
measure_net() {
  "$bin/$2" --net "$3" --threads "$threads" --seconds "$net_seconds" --json \
    --started-at "$EPOCHREALTIME" | note "$1" '
      ["training, images/s", .net, $framework, .train_images_per_second],
      ["inference, images/s", .net, $framework, .infer_images_per_second],
      ["process start to end of first step, ms", .net, $framework, .first_step_seconds * 1000],
      ["peak memory, MiB", .net, $framework, .peak_rss_mib]'
}

# measure_layers FRAMEWORK PROGRAM
measure_layers() {
  "$bin/$2" --threads "$threads" --seconds "$layer_seconds" --json | note "$1" '
      to_entries[] | ["forward + backward, ms", .key, $framework, .value]'
}

# measure_recipe FRAMEWORK SEED COMMAND...: by the clock on the wall.
measure_recipe() {
  local framework="$1" seed="$2" start="$EPOCHREALTIME" seconds result
  shift 2
  result="$("$bin/$1" "${@:2}" --recipe fast --data "$data" --threads "$threads" --seed "$seed" \
    2> /dev/null)"
  seconds="$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')"
  note "$framework" "
      [\"recipe fast, s\", \"process start to end\", \$framework, $seconds],
      [\"recipe fast, test error in %\", \"test images\", \$framework, 100 * (1 - .test_accuracy)]" \
    <<< "$result"
}

# has PROGRAM: true if it was built.
has() { [ -x "$bin/$1" ]; }

# run_round NUMBER
run_round() {
  local net
  for net in "${nets[@]}"; do
    measure_net Gradus bench_train "$net"
    if has torch_train; then measure_net PyTorch torch_train "$net"; fi
  done
  measure_layers Gradus bench_layers
  if has torch_layers; then measure_layers PyTorch torch_layers; fi
  if has onednn_layers; then measure_layers oneDNN onednn_layers; fi
  [ -n "$data" ] || return 0
  measure_recipe Gradus "$1" mnist train --json
  if has torch_recipe; then measure_recipe PyTorch "$1" torch_recipe; fi
}

# One table per quantity, rows in the order in which they came. "times" says how many times as good
# as the peer Gradus is: more images per second, less time, less memory.
print_tables() {
  awk -F '\t' '
    function median(list,    n, v, i, j, t) {
      n = split(list, v, " ")
      for (i = 2; i <= n; ++i)
        for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; --j) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
      return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    function cell(table, row, framework,    key) {
      key = table FS row FS framework
      return key in values ? median(values[key]) : ""
    }
    function shown(x) { return x == "" ? "" : x >= 100 ? sprintf("%.0f", x) : sprintf("%.3g", x) }
    function times(table, own, peer) {
      if (peer == "") return ""
      return sprintf("%.2f", table ~ /images\/s/ ? own / peer : peer / own)
    }
    !(($1) in rows_of) { tables[++table_count] = $1 }
    !(($1 FS $2) in seen) { seen[$1 FS $2]; rows[$1, ++rows_of[$1]] = $2 }
    { values[$1 FS $2 FS $3] = values[$1 FS $2 FS $3] " " $4 }
    END {
      for (t = 1; t <= table_count; ++t) {
        table = tables[t]
        print "\n| " table " | Gradus | PyTorch | times | oneDNN | times |"
        print "|---|---:|---:|---:|---:|---:|"
        for (r = 1; r <= rows_of[table]; ++r) {
          own = cell(table, rows[table, r], "Gradus")
          torch = cell(table, rows[table, r], "PyTorch")
          onednn = cell(table, rows[table, r], "oneDNN")
          printf "| %s | %s | %s | %s | %s | %s |\n", rows[table, r], shown(own), shown(torch),
                 times(table, own, torch), shown(onednn), times(table, own, onednn)
        }
      }
    }' "$results"
}

install_dependencies --peers
build_preset release bench_train bench_layers mnist bench_peers
for ((round = 1; round <= rounds; ++round)); do
  echo "round $round of $rounds" >&2
  run_round "$round"
done
processor="$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)"
echo "Medians of $rounds rounds on $threads threads, ${processor:-unknown processor}, $(date +%F)."
print_tables

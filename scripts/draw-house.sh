#!/usr/bin/env bash
# Draws which folder includes which, from the #include lines: docs/house.dot, and from that
# docs/house.svg with Graphviz.
#
#   scripts/draw-house.sh            writes both
#   scripts/draw-house.sh --check    fails if docs/house.dot is not what the includes say
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

# "FROM TO" for each include of one folder's file in another folder. Of core's own files, those
# built on operations (ops.h, op_support.h) are separate from those that operations build on (tensor, tape).
edges() {
  source_files | grep -E '^(core|nn|optim|datasets|train)/' \
    | xargs grep -HE '^ *#include "' | sed -E 's/^([^:]+): *#include "([^"]+)".*/\1 \2/' \
    | awk '
        function room(path) {
          if (path ~ /^core\/(ops|op_support|tensor_methods|system_info)\.(h|cpp)$/) return "ops"
          if (path ~ /^core\/[^\/]+$/) return "core"
          if (path ~ /^core\//) { split(path, part, "/"); return part[2] }
          split(path, part, "/"); return part[1]
        }
        function resolved(folder, path) {
          while (path ~ /^\.\.\//) { sub(/^\.\.\//, "", path); if (!sub(/\/[^\/]+$/, "", folder)) folder = "" }
          return folder == "" ? path : folder "/" path
        }
        {
          folder = $1; sub(/\/[^\/]+$/, "", folder)
          from = room($1); to = room(resolved(folder, $2))
          if (from != to) print from, to
        }' | sort -u
}

graph() {
  cat << 'END'
// Who includes whom; written by scripts/draw-house.sh from the #include lines.
digraph house {
  rankdir=TB; ranksep=0.6; nodesep=0.25; bgcolor="white";
  node [shape=box, style="rounded,filled", fillcolor="#eef3fb", fontname="sans-serif", fontsize=13];
  edge [color="#8a97ab", arrowsize=0.6];
  ops [label="ops.h, op_support.h\nall operations"]; core [label="core\ntensor, tape, grad"];
  simd [label="simd\nvectors, instruction sets"];
  base [label="base: errors, shapes, threads, memory\n(all include it: not drawn)"];
  io [label="io\nsafetensors, npy, checkpoints"];
  subgraph cluster_families {
    label="families of operations: header, rules, plain definition, kernels";
    fontname="sans-serif"; fontsize=12; color="#b9c4d6"; style="rounded,dashed";
    conv; create; elementwise; linalg; loss; matmul; norm; pool; random; reduce; shape;
  }
  { rank=same; nn; optim; datasets; }
  train [label="train\nloop, run folder, progress"];
END
  edges | awk '
    $2 == "base" && $1 != "core" && $1 != "simd" { next }
    # The umbrella header includes the families, which use op_support.h.
    $1 == "ops" && $2 ~ /^(conv|create|elementwise|linalg|loss|matmul|norm|pool|random|reduce|shape)$/ {
      print "  " $1 " -> " $2 " [style=dashed];"; next }
    $2 == "ops" && $1 ~ /^(conv|create|elementwise|linalg|loss|matmul|norm|pool|random|reduce|shape)$/ {
      print "  " $1 " -> " $2 " [constraint=false, color=\"#d5dbe6\"];"; next }
    { print "  " $1 " -> " $2 ";" }'
  echo "}"
}

if [ "${1-}" = --check ]; then
  if ! diff <(graph) docs/house.dot; then
    echo "docs/house.dot is not what the includes say; run scripts/draw-house.sh" >&2
    exit 1
  fi
  python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("docs/house.svg")'
  exit 0
fi
graph > docs/house.dot
dot -Tsvg docs/house.dot | perl -0pe 's/<!--.*?-->\n?//gs' > docs/house.svg

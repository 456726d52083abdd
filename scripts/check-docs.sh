#!/usr/bin/env bash
# Checks that Doxygen reports no problems in the documentation, and that there is a comment for
# every namespace, type and enumeration, every function, variable and alias of a namespace, and
# every field of options, updates, statistics and results. Other members may go without. Exit code
# 77 says that Doxygen is not installed.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if ! command -v doxygen > /dev/null; then
  echo "doxygen is not installed" >&2
  exit 77
fi
output="$(mktemp -d)"
trap 'rm -rf "$output"' EXIT
cd "$root"

# warnings_with SETTING...: Doxygen's warnings with these settings in place of those of
# docs/Doxyfile.
warnings_with() {
  printf '%s\n' "@INCLUDE = docs/Doxyfile" "OUTPUT_DIRECTORY = $output" "$@" | doxygen - 2>&1
}

# Doxygen does not report namespaces without a comment, nor anything in them.
bare_namespaces() {
  local file
  for file in "$output"/xml/namespacegradus*.xml; do
    if ! grep --after-context=1 '^    <briefdescription>' "$file" | grep '<para>' > /dev/null; then
      sed -n 's/^    <compoundname>\(.*\)<.*/namespace \1 has no comment/p' "$file"
    fi
  done
}

# Of the warnings about missing documentation, those that matter. A static member describes a class
# itself ("type") and is not an option.
missing_comments() {
  local kinds='(Options|Update|Statistics|Result)' warning file line
  { grep -E "Compound .* is not|of namespace [^ ]+ is not|\
\(variable\) of (struct|class) [[:alnum:]_:]*$kinds(<.*>)? is not" || true; } \
    | while IFS= read -r warning; do
      IFS=: read -r file line _ <<< "$warning"
      sed -n "${line}p" "$file" | grep '^ *static ' > /dev/null || echo "$warning"
    done
}

found="$(
  warnings_with "GENERATE_XML = YES"
  bare_namespaces
  warnings_with "GENERATE_XML = YES" "GENERATE_HTML = NO" "EXTRACT_ALL = NO" \
    "WARN_IF_UNDOCUMENTED = YES" | missing_comments
)"
if [ -n "$found" ]; then
  printf '%s\n' "${found//"$root/"/}" >&2
  exit 1
fi

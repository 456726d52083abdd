#!/usr/bin/env bash
# The commands of docs/install.md: those for pkg-config run, where Gradus is installed; the others
# are run by other tests of packages, or name scripts and folders that are there.
#
#   install_commands.sh SOURCE PREFIX LIBDIR WORK
set -euo pipefail
source="$1" prefix="$2" libdir="$3" work="$4"
document="$source/docs/install.md"
rm -rf "$work"
mkdir -p "$work"
cp "$source/examples/consumer/main.cpp" "$work"
cd "$work"

# commands PATTERN: the blocks of commands in sections whose titles match.
commands() {
  awk -v title="$1" '/^## / {section = $0 ~ title; next} /^```sh/ {inside = section; next}
    /^```/ {inside = 0} inside' "$document"
}

commands 'pkg-config' | sed "s|/tmp/gradus/lib|$prefix/$libdir|g" > commands.sh
grep --quiet 'libgradus.a' commands.sh
mv commands.sh first.sh
{ cat first.sh && echo './program'; } > commands.sh
bash -eux commands.sh > said 2>&1 || { cat said; exit 1; }
[ "$(grep --count '^y = ' said)" -eq 2 ] || { cat said; exit 1; }

status=0
count=0
while read -r line; do
  read -ra words <<< "$line"
  count=$((count + 1))
  case "$line" in
    "cmake --preset release" | "cmake --build --preset release") ;;
    "cpack --config build/release/CPackConfig.cmake -B build/packages") ;;
    "apt-get install ./build/packages/*.deb") ;;
    "cmake --install build/release --prefix /tmp/gradus") ;;
    scripts/*) [ -x "$source/${words[0]}" ] || { echo "there is no ${words[0]}"; status=1; } ;;
    vcpkg* | conan*)
      folder="$(grep --only-matching 'packaging/[a-z]*' <<< "$line")"
      [ -d "$source/$folder" ] || { echo "there is no $folder"; status=1; }
      ;;
    *) echo "not known: $line"; status=1 ;;
  esac
done < <(commands '^## [^p]')
[ "$count" -ge 8 ] || { echo "only $count commands were found"; status=1; }
exit "$status"

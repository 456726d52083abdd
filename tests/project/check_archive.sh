#!/usr/bin/env bash
# The source archive has the same bytes twice, and what is in it is built and passes tests of its
# own, without git and without network:
#
#   check_archive.sh SOURCE WORK OPTION...      options of its configuration
#
# Exit code 77 says that there is no git here, or that the work tree has changes.
set -euo pipefail
source="$1" work="$2"
shift 2

if ! git -C "$source" rev-parse HEAD > /dev/null 2>&1; then
  echo "this is no work tree of git"
  exit 77
fi
if [ -n "$(git -C "$source" status --porcelain)" ]; then
  "$source/scripts/source-archive.sh" "$work" 2> /dev/null && { echo "changes are left out"; exit 1; }
  echo "the work tree has changes"
  exit 77
fi
rm -rf "$work"
mkdir -p "$work"
cd "$work"
"$source/scripts/source-archive.sh" "$work/first"
"$source/scripts/source-archive.sh" "$work/second"
diff --recursive first second
tar --extract --file first/*.tar.gz
folder="$(echo gradus-*)"
diff <(git -C "$source" ls-files | sort) <(cd "$folder" && find . -type f | sed 's|^\./||' | sort)

export GIT_CEILING_DIRECTORIES="$work" # of the source tree, which may be around this folder
offline=()
unshare --net true 2> /dev/null && offline=(unshare --net)
"${offline[@]}" cmake -S "$folder" -B build "$@" > configured
cmake --build build --target first_net
"${offline[@]}" ctest --test-dir build --no-tests=error --output-on-failure \
  --tests-regex '^(programs.first_net|project.layering|project.links)$'

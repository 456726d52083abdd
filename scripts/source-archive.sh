#!/usr/bin/env bash
# Writes the sources of HEAD as gradus-VERSION.tar.gz, into the folder named or else build/: the same
# bytes whenever and wherever this commit is archived. Everything is in it, the cases of
# tests/conformance too, since what is unpacked must pass its own tests. A work tree with changes is
# refused: they would be missing. (xz would take ten times as long for an eighth less.)
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

output="${1-$root/build}"
if [ -n "$(git -C "$root" status --porcelain)" ]; then
  echo "source-archive: commit or remove the changes that 'git status' lists" >&2
  exit 1
fi
version="$(sed -n 's/^project(gradus VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")"
archive="$output/gradus-$version.tar"

mkdir -p "$output"
# Files have the time of the commit; umask and compression must not depend on this user's settings.
git -C "$root" -c tar.umask=0022 -c core.autocrlf=false archive --format=tar \
  --prefix="gradus-$version/" HEAD > "$archive"
gzip -9 --no-name --force "$archive"
echo "$archive.gz"

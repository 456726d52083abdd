#!/usr/bin/env bash
# Makes Debian's packages, installs them in a root folder with nothing but Debian
# in it, uses them there, and removes them again:
#
#   scripts/test-packages.sh          builds build/release before
#   scripts/test-packages.sh BUILD    from another build tree, as it is
#   GRADUS_MIRROR=...                 a mirror other than the one that apt uses here
#
# The root is build/debian-root; it is kept, so that only the first time takes minutes.
# In that root the programs run, and examples/consumer is built and run: with pkg-config and with
# CMake, shared and static. Whatever was installed for this is removed, and no file may remain.
# Exit code 77 says that such a root cannot be made here: not as root, no mmdebstrap, or no mirror.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder="$root/build/debian-root"
clean="$root/build/debian-root.clean" # the files of a root in which nothing else is installed
build="${1-$root/build/release}"
packages="$build/packages"
# shellcheck disable=SC2016  # apt fills them in
mirror="${GRADUS_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
  "Codename: $(. /etc/os-release && echo "${VERSION_CODENAME-}")" | sed -n 1p)}"

skip() {
  echo "skipped: Debian packages in a fresh root: $1" >&2
  exit 77
}

# inside COMMAND...: in the root, with processes of its own and /proc, if the system allows it.
inside() {
  local environment=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
    DEBIAN_FRONTEND=noninteractive)
  if unshare --mount true 2> /dev/null; then
    # shellcheck disable=SC2016  # the inner shell expands it
    "${environment[@]}" unshare --mount sh -c \
      'mount -t proc proc "$0/proc" 2> /dev/null; exec chroot "$0" "$@"' "$folder" "$@"
  else
    "${environment[@]}" chroot "$folder" "$@"
  fi
}

# What is installed, without the records of having been installed and what runs leave behind.
files() {
  (cd "$folder" && find . -xdev -regextype egrep \
    -regex '\./(proc|tmp|dev|run|root|var/(cache|log|lib/(apt|dpkg)))' -prune -o -print \
    | grep --invert-match --extended-regexp '^\./etc/(g?shadow-|passwd-|group-|ld\.so\.cache)$' | sort)
}

make_root() {
  local suite
  suite="$(. /etc/os-release && echo "${VERSION_CODENAME-}")"
  rm -rf "$folder" "$clean"
  mmdebstrap --variant=minbase --include=g++,cmake,make,pkg-config,ca-certificates --quiet \
    "$suite" "$folder" "$mirror" || skip "there is no root of $suite from $mirror"
  files > "$clean"
}

[ "$(id -u)" -eq 0 ] || skip "this is for root"
command -v mmdebstrap > /dev/null || skip "mmdebstrap is not installed"
if [ "$#" -eq 0 ]; then
  build_preset release gradus_shared gradus_ranks mnist norm_lab tape_tour
fi
rm -rf "$packages"
cpack --config "$build/CPackConfig.cmake" -B "$packages"
if command -v lintian > /dev/null; then
  lintian --allow-root --fail-on error --tag-display-limit 0 "$packages"/*.deb
fi

if [ ! -e "$clean" ]; then
  make_root
fi
mkdir -p "$folder/tmp/packages" "$folder/tmp/consumer"
cp "$packages"/*.deb "$folder/tmp/packages"
cp "$root"/examples/consumer/* "$folder/tmp/consumer"
cp /etc/resolv.conf "$folder/etc/resolv.conf"
mv "$clean" "$clean.used" # comes back when the root is as it was
inside apt-get update --quiet=2
inside sh -c 'apt-get install --yes --quiet=2 --no-install-recommends -o Dpkg::Use-Pty=0 \
  -o APT::Keep-Downloaded-Packages=true /tmp/packages/*.deb > /tmp/apt.log 2>&1 \
  || { cat /tmp/apt.log; exit 1; }'

# shellcheck disable=SC2016  # the inner shell expands it
inside sh -eux -c '
  mnist --help > /dev/null
  mnist train --dataset synthetic --model small --epochs 1 --samples 512
  norm_lab list > /dev/null
  tape_tour --all > /dev/null
  test -s /usr/share/doc/gradus/docs/design.md
  cd /tmp/consumer
  g++ -std=c++20 main.cpp -o shared $(pkg-config --cflags --libs gradus)
  ./shared
  ldd shared | grep libgradus
  g++ -std=c++20 main.cpp -o static $(pkg-config --cflags gradus) \
    -l:libgradus.a $(pkg-config --libs zlib libcurl) -pthread -ldl
  ./static
  cmake -S . -B build -DCMAKE_BUILD_TYPE=Release > /dev/null
  cmake --build build
  build/consumer
  ldd build/consumer | grep libgradus
  cmake -S . -B build-static -DBUILD_SHARED_LIBS=OFF -DCMAKE_BUILD_TYPE=Release > /dev/null
  cmake --build build-static
  build-static/consumer'

inside sh -c 'apt-get purge --yes --quiet=2 --auto-remove gradus gradus-doc libgradus-dev \
  "?name(^libgradus0)" > /tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }'
rm -rf "$folder"/tmp/*
files > "$clean.after"
if ! diff "$clean.used" "$clean.after"; then
  echo "test-packages: files remain" >&2
  exit 1
fi
mv "$clean.used" "$clean"
echo "test-packages: passed"

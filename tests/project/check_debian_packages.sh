#!/usr/bin/env bash
# Makes Debian's packages from the build tree BUILD, unpacks them into WORK/files, and builds and
# runs a program against that with pkg-config:
#
#   check_debian_packages.sh SOURCE BUILD WORK COMPILER
set -euo pipefail
source="$1" build="$2" work="$3" compiler="$4"

rm -rf "$work"
mkdir -p "$work/files"
cd "$work"
cpack --config "$build/CPackConfig.cmake" -B "$work" -D CPACK_DEBIAN_COMPRESSION_TYPE=zstd \
  > cpack.log 2>&1 || { cat cpack.log; exit 1; }

fail() {
  echo "$1"
  exit 1
}

# Each file belongs to one package.
for package in *.deb; do
  dpkg-deb --extract "$package" files
  dpkg-deb --contents "$package" | awk '$1 !~ /^d/ {print $6}'
done | sort | uniq --repeated > twice
[ ! -s twice ] || fail "in several packages: $(cat twice)"
[ "$(echo ./*.deb | wc -w)" -eq 4 ] || fail "not four packages: $(echo ./*.deb)"

# depends PACKAGE NAME...: the package depends on the others.
depends() {
  local package="$1" found
  found=" $(dpkg-deb --field "$package"_*.deb Depends),"
  shift
  for name in "$@"; do
    [[ "$found" =~ \ "$name"(,|\ \() ]] || fail "$package does not depend on $name:$found"
  done
}
library="$(basename libgradus[0-9]*.deb)"
library="${library%%_*}"
depends "$library" libc6 libstdc++6 zlib1g libopenblas0
depends libgradus-dev "$library" zlib1g-dev
depends gradus libc6 libpng16-16 libopenblas0

folder="$(dirname files/usr/lib/*/libgradus.so)"
[ "libgradus.so.${library#libgradus}" = "$(readlink "$folder/libgradus.so")" ] \
  || fail "$library has $(readlink "$folder/libgradus.so")"
export PKG_CONFIG_PATH="$work/$folder/pkgconfig"
read -ra flags <<< "$(pkg-config --cflags --libs gradus)"
"$compiler" -std=c++20 -o shared "$source/tests/project/across_boundary.cpp" "${flags[@]}"
LD_LIBRARY_PATH="$folder" ./shared > said || fail "shared: $(cat said)"
LD_LIBRARY_PATH="$folder" ldd shared > said
grep --quiet "=> $folder/" said || fail "not ours: $(cat said)"
files/usr/bin/mnist --help > said || fail "mnist: $(cat said)"
[ -s files/usr/share/doc/gradus/docs/design.md ] || fail "there is no design.md"

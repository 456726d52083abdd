# What the scripts of this folder share; they source it.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

jobs() { getconf _NPROCESSORS_ONLN; }

# Clang and clang-tidy allocate much; large pages, kept, save them a tenth of their time.
large_pages=(env GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.top_pad=67108864:glibc.malloc.trim_threshold=1073741824:glibc.malloc.mmap_threshold=1073741824)

# Installs what is missing, if possible.
install_dependencies() {
  if command -v apt-get > /dev/null; then
    "$root/scripts/install-deps.sh" "$@"
  else
    echo "No apt-get here: going on with what is installed; CMake names what is missing." >&2
  fi
}

# build_preset NAME [TARGET...]: configures and builds into build/NAME. Works from any folder.
build_preset() {
  local preset="$1" generator=()
  shift
  if [ ! -e "$root/build/$preset/CMakeCache.txt" ] && ! command -v ninja > /dev/null; then
    generator=(-G "Unix Makefiles")
  fi
  cmake -S "$root" --preset "$preset" ${generator[@]+"${generator[@]}"}
  "${large_pages[@]}" cmake --build "$root/build/$preset" --parallel "$(jobs)" ${1+--target "$@"}
}

# Every source file of the project, one per line, as a path from the root.
source_files() {
  if git -C "$root" rev-parse --git-dir > /dev/null 2>&1; then
    git -C "$root" ls-files -- '*.h' '*.cpp'
  else # a source archive
    (cd "$root" && find gradus.h core nn optim datasets train examples tests benchmarks \
      -name '*.h' -o -name '*.cpp')
  fi
}

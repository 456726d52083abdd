#!/usr/bin/env bash
# Installs the system packages that Gradus is built with, on Debian, Ubuntu and their derivatives.
#
#   scripts/install-deps.sh           what the library and the programs need
#   scripts/install-deps.sh --test    also what the tests and checks need
#   scripts/install-deps.sh --peers   also the frameworks that benchmarks/compare.sh compares with
#
# Calls apt only if something is missing, through sudo if that needs another user.
set -euo pipefail

# Any one of the packages on a line will do; the first is the one that is installed.
build_packages=(
  "g++"
  "cmake"
  "ninja-build"
  "pkg-config pkgconf"
  "libopenblas-dev"
  "nlohmann-json3-dev"
  "zlib1g-dev"
  "libcurl4-openssl-dev libcurl4-gnutls-dev libcurl4-nss-dev"
  "ca-certificates"
  "libcli11-dev"
  "libjpeg-dev libjpeg62-turbo-dev"
  "libpng-dev"
  "doctest-dev"
)
test_packages=(
  "libbenchmark-dev"
  "clang"
  "clang-format"
  "clang-tidy"
  "lld"
  "shellcheck"
  "doxygen"
  "cmark-gfm"
  "python3-pygments"
  "python3-numpy"
  "python3-protobuf"
  "gcovr"
  "valgrind"
  "procps"
  "git"
  "dpkg-dev"
  "file"
)
peer_packages=("libtorch-dev" "libopenblas0-openmp" "libdnnl-dev" "python3")
# Nice to have for them: ONNX Runtime is a package of npm, which may come with nodejs or alone.
optional_peer_packages=("python3-onnx")
command -v npm > /dev/null || optional_peer_packages+=("npm")
# Nice to have: without them, the digits are downloaded or synthetic, and programs run as one process.
optional_packages=("dataset-fashion-mnist" "libopenmpi-dev libmpich-dev" "openmpi-bin mpich")
# Nice to have for tests: reports are looked at in a browser, their figures become PNG files, Graphviz
# draws tapes, Debian packages are installed in a root of their own, PyTorch and the ONNX standard say
# what files mean, and npm has a runtime that executes them.
optional_test_packages=("chromium" "chromium-driver" "fonts-liberation" "python3-selenium"
  "librsvg2-bin" "graphviz" "mmdebstrap" "python3-onnx" "python3-torch")
command -v npm > /dev/null || optional_test_packages+=("npm")

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0"
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

# missing_of LINE...: the first package of each line of which none is installed.
missing_of() {
  local line package
  for line in "$@"; do
    for package in $line; do
      is_installed "$package" && continue 2
    done
    echo "${line%% *}"
  done
}

# True if apt knows the package.
is_available() { apt-cache show "$1" > /dev/null 2>&1; }

may_install() { [ "$(id -u)" -eq 0 ] || command -v sudo > /dev/null; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "$@"
}

wanted=("${build_packages[@]}")
case "${1-}" in
  "") ;;
  --test)
    wanted+=("${test_packages[@]}")
    optional_packages+=("${optional_test_packages[@]}")
    ;;
  --peers)
    wanted+=("${peer_packages[@]}")
    optional_packages+=("${optional_peer_packages[@]}")
    ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

if ! command -v apt-get > /dev/null || ! command -v dpkg-query > /dev/null; then
  {
    echo "This system has no apt; install by its own means what these Debian packages hold:"
    printf '  %s\n' "${wanted[@]%% *}"
    echo "then: cmake --preset release && cmake --build --preset release"
  } >&2
  exit 1
fi

mapfile -t missing < <(missing_of "${wanted[@]}")
mapfile -t missing_optional < <(missing_of "${optional_packages[@]}")
if [ "${#missing[@]}" -eq 0 ] && [ "${#missing_optional[@]}" -eq 0 ]; then
  exit 0
fi
if ! may_install; then
  [ "${#missing[@]}" -eq 0 ] && exit 0
  echo "This needs root and there is no sudo. As root: apt-get install ${missing[*]}" >&2
  exit 1
fi

if [ "${#missing[@]}" -gt 0 ]; then
  echo "Installing ${missing[*]}"
  as_root apt-get update || echo "apt-get update failed; trying with the lists that are here" >&2
  install "${missing[@]}"
fi
for package in "${missing_optional[@]}"; do
  if is_available "$package"; then
    install "$package" || echo "Going on without $package" >&2
  fi
done

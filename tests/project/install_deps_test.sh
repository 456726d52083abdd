#!/usr/bin/env bash
# scripts/install-deps.sh on machines of our making: apt-get, dpkg-query, sudo and id are stand-ins
# that say what the case wants and write down how they were called.
set -euo pipefail

script="$(cd "$(dirname "$0")/../.." && pwd)/scripts/install-deps.sh"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
failures=0

# The machine has nothing but these; `installed`, `user` and `unknown` describe it.
stand_ins() {
  mkdir -p "$work/bin"
  local tool
  for tool in bash sed env; do ln -s "$(command -v "$tool")" "$work/bin/$tool"; done
  cat > "$work/bin/dpkg-query" << 'END'
#!/usr/bin/env bash
case " $INSTALLED " in *" ${*: -1} "* | *" everything-but "*) ;; *) exit 1 ;; esac
case " $MISSING " in *" ${*: -1} "*) exit 1 ;; esac
printf installed
END
  cat > "$work/bin/apt-get" << 'END'
#!/usr/bin/env bash
echo "apt-get $*" >> "$CALLS"
case "$*" in *" $BROKEN"*) exit 100 ;; esac
END
  cat > "$work/bin/apt-cache" << 'END'
#!/usr/bin/env bash
[ "$UNKNOWN" != "$2" ]
END
  cat > "$work/bin/sudo" << 'END'
#!/usr/bin/env bash
echo sudo >> "$CALLS"
exec "$@"
END
  cat > "$work/bin/id" << 'END'
#!/usr/bin/env bash
echo "$USER_ID"
END
  chmod +x "$work"/bin/{dpkg-query,apt-get,apt-cache,sudo,id}
}

# run ARGUMENT...: leaves `status`, `output` and `calls`.
run() {
  : > "$work/calls"
  status=0
  output="$(env -i PATH="$work/bin" CALLS="$work/calls" INSTALLED="$installed" MISSING="$missing" \
    BROKEN="${broken:-none}" UNKNOWN="${unknown:-}" USER_ID="${user:-0}" \
    bash "$script" "$@" 2>&1)" || status=$?
  calls="$(cat "$work/calls")"
}

# expect WHAT LEFT RIGHT: the two are equal.
expect() {
  if [ "$2" != "$3" ]; then
    printf 'FAILED: %s\n  expected: %s\n  found:    %s\n  output:   %s\n' "$1" "$3" "$2" "$output"
    failures=$((failures + 1))
  fi
}

# expect_text WHAT TEXT PART: the text contains the part.
expect_text() {
  case "$2" in
    *"$3"*) ;;
    *) expect "$1" "$2" "... $3 ..." ;;
  esac
}

stand_ins
install="apt-get install --yes --no-install-recommends"

installed=everything-but missing=""
run --test
expect "with everything installed it succeeds" "$status" 0
expect "with everything installed it leaves apt alone" "$calls" ""

installed=everything-but missing="libpng-dev shellcheck"
run
expect "what is missing is installed after an update, and nothing else" "$calls" \
  "apt-get update
$install libpng-dev"
run --test
expect "--test adds what the tests need" "$calls" \
  "apt-get update
$install libpng-dev shellcheck"

missing="libcurl4-openssl-dev pkg-config"
run
expect "an alternative that is installed will do" "$calls" ""

missing="libpng-dev" user=1000
run
expect "another user than root goes through sudo" "$calls" \
  "sudo
apt-get update
sudo
$install libpng-dev"

mv "$work/bin/sudo" "$work/sudo"
run
expect "without sudo it fails" "$status" 1
expect_text "without sudo it says what root has to do" "$output" "apt-get install libpng-dev"
expect "without sudo it leaves apt alone" "$calls" ""
missing="dataset-fashion-mnist"
run
expect "without sudo, what is only nice to have is no reason to fail" "$status" 0
mv "$work/sudo" "$work/bin/sudo"

user=0
run
expect "the images are installed where apt knows them" "$calls" "$install dataset-fashion-mnist"
unknown="dataset-fashion-mnist"
run
expect "and are left out where it does not" "$status$calls" 0
unknown="" missing="chromium"
run
expect "the browser is left out without --test" "$calls" ""
run --test
expect "and installed with it" "$calls" "$install chromium"
missing="dataset-fashion-mnist" broken="dataset-fashion-mnist"
run
expect "and are no reason to fail" "$status" 0
missing="g++" broken="g++"
run
expect "a needed package that cannot be installed is an error" "$status" 100

run --tset
expect "a wrong option is an error" "$status" 2
expect_text "a wrong option shows the right ones" "$output" "scripts/install-deps.sh --test"

rm "$work/bin/apt-get"
run
expect "without apt it fails" "$status" 1
expect_text "without apt it lists what is needed" "$output" "libopenblas-dev"

[ "$failures" -eq 0 ] && echo "all as expected"

#!/usr/bin/env bash
# Runs a test in Python with the first interpreter that has a module; 77 (skipped) without one.
#
#   run_python.sh MODULE SCRIPT ARGUMENT...
set -euo pipefail

module="$1"
shift
for python in python3 /usr/bin/python3; do
  if "$python" -c "import $module" 2> /dev/null; then
    exec "$python" "$@"
  fi
done
echo "skipped: there is no python3 with $module (Debian: apt-get install python3-${module##*.})"
exit 77

#!/bin/sh
# Stands before the compiler (CMAKE_CXX_COMPILER_LAUNCHER) in builds of the same sources with the
# same options as the build tree REUSE_FROM: an object that this tree has is copied, anything else
# compiled. check_same_commands.cmake says whether they have been compiled alike.
output=
dependencies=
previous=
for argument in "$@"; do
  case "$previous" in
    -o) output="$argument" ;;
    -MF) dependencies="$argument" ;;
  esac
  previous="$argument"
done
made="$REUSE_FROM/${output#_deps/gradus-build/}"
if [ -n "$output" ] && [ -f "$made" ]; then
  [ -z "$dependencies" ] || echo "$output: $made" > "$dependencies" # not headers: this tree knows
  exec cp "$made" "$output"
fi
exec "$@"

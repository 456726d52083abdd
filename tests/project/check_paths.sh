#!/usr/bin/env bash
# Every file that a comment or a document names exists: paths from the top (core/tape.h), and names
# alone (tape.h), which some file of the project must have. ROOT is the source tree.
#
#   check_paths.sh ROOT
set -euo pipefail
cd "$1"

find ./*.md gradus.h docs core nn optim datasets train examples tests benchmarks cmake scripts \
  -type f 2> /dev/null | sed 's,^\./,,' \
  | awk '
    # The list of files comes first, then each of them is read.
    { files[++count] = $0; exists[$0] = 1; name = $0; sub(/.*\//, "", name); is_name[name] = 1
      for (folder = $0; sub(/\/[^\/]*$/, "", folder); ) exists[folder] = 1 }
    END {
      for (i = 1; i <= count; ++i) {
        file = files[i]
        if (file == "CHANGELOG.md") continue  # it names files that have moved
        if (file ~ /^tests\/conformance\//) continue
        # Documents whole; of sources, the comments.
        mark = file ~ /\.md$/ ? "^" : file ~ /\.(h|cpp)$/ ? "(^|[ \t])//" \
             : file ~ /\.(sh|cmake|py|txt)$/ ? "(^|[ \t])#" : ""
        if (mark == "") continue
        while ((getline line < file) > 0) {
          if (!match(line, mark)) continue
          check_line(file, substr(line, RSTART))
        }
        close(file)
      }
      exit failed
    }
    function check_line(file, text,    name, after) {
      while (match(text, /[A-Za-z0-9_.\/<>*-]*[A-Za-z0-9_]\.(cmake|cpp|svg|py|sh|md|h)/)) {
        name = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        after = substr(text, 1, 1)
        if (after ~ /[A-Za-z0-9_]/) continue
        check(file, name)
      }
    }
    function check(file, name,    path, folder) {
      if (name ~ /[<*]/ || name ~ /^\// || name ~ /^http/) return
      sub(/^gradus\//, "", name)
      if (name !~ /\//) {
        # What documents tell readers to write or to expect, and files of others.
        if (name ~ /^(my_|your_|main\.cpp|net\.|cblas\.h|zlib\.h|curl\.h|png\.h|jpeglib\.h|isatty|train\.cpp|llm\.c)/) return
        if (!(name in is_name)) complain(file " names " name ", and no file is called so")
        return
      }
      if (name !~ /^(\.\/|\.\.\/)*(core|nn|optim|datasets|train|examples|tests|benchmarks|cmake|docs|scripts)\//) return
      path = name
      sub(/^.*\.\.\//, "", path)
      sub(/^\.\//, "", path)
      folder = file
      if (!sub(/\/[^\/]*$/, "", folder)) folder = "."
      if (!(path in exists) && !((folder "/" name) in exists)) {
        complain(file " names " name ", which does not exist")
      }
    }
    function complain(text) { if (!(text in said)) print text; said[text] = 1; failed = 1 }
  '

# Numbers become text, and text numbers, in core/base/text.h alone: streams and C's functions ask the
# program's locale how they look.
#
#   cmake -DROOT=<source tree> -P check_locale.cmake
cmake_minimum_required(VERSION 3.22)

set(forbidden "stringstream|std::to_string|setprecision|[a-z]*printf[(]|scanf[(]|strto[a-z]+[(]|std::sto[a-z]+[(]|ato[fil][(]")
set(found "")
foreach(folder core nn optim datasets train)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.cpp)
  foreach(file IN LISTS files)
    file(STRINGS ${ROOT}/${file} lines REGEX "${forbidden}")
    foreach(line IN LISTS lines)
      string(APPEND found "  ${file}: ${line}\n")
    endforeach()
  endforeach()
endforeach()
if(found)
  message(FATAL_ERROR "these ask the locale; use str(), fixed() and std::from_chars:\n${found}")
endif()

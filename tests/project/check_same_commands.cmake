# Compares how two build trees compile the library: COMMANDS is the compile_commands.json of one,
# MAIN that of the tree whose objects it may take (reuse_object.sh). They must agree in all but
# folders. LEAST is how many files must be compared.
cmake_minimum_required(VERSION 3.22)

# The commands of `file` for objects of the library, by the object: command_<object>, in `objects`.
function(read_commands file prefix)
  file(STRINGS ${file} lines REGEX "\"command\": ")
  set(objects "")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES " -o [^ ]*(CMakeFiles/gradus[a-z0-9_]*\\.dir/[^ ]+)")
      continue()
    endif()
    set(object ${CMAKE_MATCH_1})
    if(object MATCHES "gradus_ranks")  # with MPI or without it, which its users have to choose
      continue()
    endif()
    # Without the compiler and what stands before it, and without folders.
    string(REGEX REPLACE "^.*\"command\": \"(.*[^-A-Za-z_/])?[^ ]*(g|clang)\\+\\+[^ ]* " "" line "${line}")
    string(REGEX REPLACE "(-I|-isystem |-include |-o |-c |=[^ ]*\")?[^ ]*/[^ ]*" "" line "${line}")
    list(APPEND objects ${object})
    set(${prefix}_${object} "${line}" PARENT_SCOPE)
  endforeach()
  set(${prefix}_objects ${objects} PARENT_SCOPE)
endfunction()

read_commands(${COMMANDS} these)
read_commands(${MAIN} main)
set(compared 0)
foreach(object IN LISTS these_objects)
  if(NOT object IN_LIST main_objects)
    message(SEND_ERROR "${MAIN} does not compile ${object}")
  elseif(NOT these_${object} STREQUAL main_${object})
    message(SEND_ERROR "${object} is compiled with\n ${these_${object}}\nbut in ${MAIN} with\n"
                       " ${main_${object}}")
  endif()
  math(EXPR compared "${compared} + 1")
endforeach()
if(compared LESS LEAST)
  message(SEND_ERROR "${COMMANDS} compiles only ${compared} files of the library")
endif()
message(STATUS "${compared} files are compiled as in ${MAIN}")

# Looks into object files compiled for one instruction set (after --) with NM. A weak function is
# one of which the linker keeps a single copy for the whole program; if it kept that of an AVX-512
# object, the program would crash on every other processor. Only what belongs to the instruction
# set itself may be visible: its tables, and functions in anonymous namespaces.
cmake_minimum_required(VERSION 3.22)

set(objects "")
foreach(i RANGE ${CMAKE_ARGC})
  if(CMAKE_ARGV${i} MATCHES "\\.o(bj)?$")
    list(APPEND objects ${CMAKE_ARGV${i}})
  endif()
endforeach()
if(NOT objects)
  message(FATAL_ERROR "no object files given")
endif()

set(found 0)
foreach(object IN LISTS objects)
  execute_process(COMMAND ${NM} --demangle --defined-only ${object} OUTPUT_VARIABLE symbols
                  COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]* [WVu] [^\n]*" weak "${symbols}")
  # DW.ref.* are pointers for unwinding, the same in every object.
  list(FILTER weak EXCLUDE REGEX "\\(anonymous namespace\\)|Tables<|DW\\.ref\\.")
  foreach(symbol IN LISTS weak)
    message(NOTICE "${object}: ${symbol}")
    math(EXPR found "${found} + 1")
  endforeach()
endforeach()
if(found)
  message(FATAL_ERROR "${found} functions compiled for one instruction set could be linked into "
                      "code for all: put them into an anonymous namespace.")
endif()

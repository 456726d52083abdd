# What the shared LIBRARY exports, by NM: names of the namespace gradus, without those that only
# Gradus' own sources see, and nothing of other libraries. Each is declared in a header below
# PREFIX.
cmake_minimum_required(VERSION 3.22)

file(GLOB_RECURSE headers ${PREFIX}/include/gradus/*.h)
set(declared "")
foreach(header IN LISTS headers)
  file(READ ${header} text)
  string(APPEND declared "${text}")
endforeach()

execute_process(COMMAND ${NM} -D --defined-only --demangle ${LIBRARY} OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE ";" "" symbols "${symbols}")
string(REGEX REPLACE "[][]" "" symbols "${symbols}")  # lists of CMake do not split between them
string(REGEX MATCHALL "[A-Za-z] [^\n]*gradus::[^\n]*" ours "${symbols}")
string(REGEX MATCHALL "[^\n]+" all "${symbols}")
list(LENGTH all count)
list(LENGTH ours count_of_ours)
if(count LESS 1000)
  message(SEND_ERROR "${LIBRARY} exports only ${count} names")
endif()
if(NOT count EQUAL count_of_ours)
  list(FILTER all EXCLUDE REGEX "gradus::")
  list(JOIN all "\n  " text)
  message(SEND_ERROR "${LIBRARY} exports what is not Gradus':\n  ${text}")
endif()
list(FILTER all INCLUDE REGEX "kernels::|ops::|protobuf::|onnx::|nlohmann|anonymous|lambda")
if(all)
  list(JOIN all "\n  " text)
  message(SEND_ERROR "${LIBRARY} exports what is Gradus' own:\n  ${text}")
endif()

# Functions (strong symbols: inline ones are in headers anyway), by their last name.
list(FILTER ours INCLUDE REGEX "^T gradus::")
foreach(symbol IN LISTS ours)
  string(REGEX REPLACE "^T |abi:cxx11|\\(.*|<.*" "" name "${symbol}")
  string(REGEX REPLACE "^.*::" "" name "${name}")
  string(REGEX REPLACE "[^a-zA-Z0-9_]+$" "" name "${name}")  # operator+= and the like
  if(NOT declared MATCHES "[^a-zA-Z0-9_]${name}[^a-zA-Z0-9_]")
    message(SEND_ERROR "${name} is exported, but no installed header has it: ${symbol}")
  endif()
endforeach()

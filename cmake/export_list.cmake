# Writes the linker's version script of the shared library (OUTPUT): of what the static LIBRARY
# defines, by NM, exactly the names of the namespace gradus are exported, with what belongs to its
# classes (virtual tables, type information, thunks). What only Gradus' own sources see, and every
# name of another library, stays inside.
cmake_minimum_required(VERSION 3.22)

execute_process(COMMAND ${NM} --extern-only --defined-only --format=posix ${LIBRARY}
                OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
# Itanium mangling: _ZN 6gradus ..., _ZNK for const functions, _ZTV, _ZTI, _ZTS and so on for what
# belongs to a class, _ZZ for the static variables of an inline function, _ZTh and _ZTv for thunks.
string(REGEX MATCHALL "\n_Z(T[A-Z]|GV|T[hv][n0-9_]+_)?Z?NK?6gradus[A-Za-z0-9_]+" names "\n${symbols}")
# Namespaces and functions that no installed header has, and templates for lambdas of the library.
list(FILTER names EXCLUDE REGEX "(6gradus|NS[0-9]*_)(7kernels|3ops|8protobuf|4onnx)|Ul[A-Za-z0-9_]+E[0-9]*_")
list(FILTER names EXCLUDE REGEX "6gradus(11read_pickle|8training(10|16|12)(parse_json|text_of_file))")
list(REMOVE_DUPLICATES names)
list(SORT names)
if(NOT names)
  message(FATAL_ERROR "${LIBRARY} has no names of the namespace gradus")
endif()
list(JOIN names ";" exported)
file(WRITE ${OUTPUT} "{ global:${exported};\nlocal: *; };\n")

# Checks every #include of the tree against "Who may include whom" in docs/design.md.
#
#   cmake [-DROOT=<source tree>] -P cmake/check_layering.cmake
cmake_minimum_required(VERSION 3.22)

if(NOT DEFINED ROOT)
  cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH ROOT)
endif()

# --- The rules -----------------------------------------------------------------------------------

# Layers, lowest first: a pattern of the files of each, and the layers that those may include. The
# first pattern that fits counts. Within a folder of core or optim, the suffix says what a file is.
set(layers base kernels ops core nn optim datasets train umbrella programs)
set(base_files "^core/base/")
set(base_includes base)
set(kernels_files "^core/simd/|^(core|optim)/.*(_kernel\\.(h|cpp)|_plain\\.(h|cpp)|\\.simd\\.(h|cpp))$")
set(kernels_includes base kernels)
# What the families of operations share, checks and rules of each, and what is made of operations.
set(ops_files "^core/(op_support\\.(h|cpp)|(tensor_methods|system_info)\\.cpp)$"
    "|^core/(conv|create|distributed|elementwise|linalg|loss|matmul|norm|pool|random|reduce|shape)/[^/]+\\.cpp$"
    "|^core/(elementwise/apply|conv/sliding_window)\\.h$")
list(JOIN ops_files "" ops_files)
set(ops_includes base kernels core ops)
set(core_files "^core/")  # tensor, tape ..., files, and the families' public headers
set(core_includes base core)
set(nn_files "^nn/")
set(nn_includes base core nn)
set(optim_files "^optim/")
set(optim_includes base kernels core ops nn optim)
set(datasets_files "^datasets/")
set(datasets_includes base core datasets)
set(train_files "^train/")
set(train_includes base core nn optim datasets train)
set(umbrella_files "^gradus\\.h$")
set(umbrella_includes base core nn optim datasets train)
set(programs_files "^(examples|tests|benchmarks)/")
set(programs_includes ${layers})

# Headers of others (in angle brackets): a pattern and the files that may include them. The first
# row that fits counts; a header without a row is a dependency nobody has decided on.
set(external_rules
    "cblas\\.h => ^core/linalg/lapack_kernel\\.cpp$"
    "nlohmann/.+ => ^(core/io/safetensors|core/tape_print|nn/model_json|train/[a-z_]+)\\.cpp$|^train/parse_json\\.h$|${programs_files}"
    "zlib\\.h => ^core/io/deflate\\.cpp$"
    "curl/curl\\.h => ^datasets/download\\.cpp$"
    "doctest/doctest\\.h => ^tests/"
    "mpi\\.h => ^core/distributed/mpi/"
    "cxxabi\\.h => ^nn/module\\.cpp$"
    "benchmark/benchmark\\.h => ^benchmarks/"
    "(torch/torch|malloc|omp)\\.h => ^benchmarks/"
    "oneapi/dnnl/dnnl\\.hpp => ^benchmarks/"
    "CLI/CLI\\.hpp => ${programs_files}"
    "(jerror|jpeglib|png)\\.h => ^examples/"
    "gradus/.+ => ${programs_files}"  # inside the library, includes are relative
    # POSIX
    "((sys|arpa|netinet)/[a-z]+|unistd|dlfcn|fcntl|pthread|sched|signal|spawn|termios|poll)\\.h => \\.cpp$|^tests/"
    "(poll|pty)\\.h => ^tests/"
    "(stdio|stdlib|time)\\.h => \\.cpp$|^tests/"  # for what POSIX adds to them
    "[a-z_0-9]+ => .")  # the standard library

# Headers that core keeps to itself.
set(private_core_headers "^core/io/(pickle|zip)\\.h$")

# What is compiled once per instruction set must not see inline functions that other files use as
# well: the linker keeps one copy of those, and it could be the one for the wrong processor.
set(simd_files "\\.simd\\.cpp$")
set(simd_sees "^core/simd/[^/]+\\.h$|(_kernel|_plain|\\.simd)\\.h$|^core/base/(parallel_for|allocator|name)\\.h$")
set(simd_sees_standard algorithm array atomic bit cmath cstddef cstdint cstring limits numbers
                       type_traits utility)

# --- The check -----------------------------------------------------------------------------------

function(violation file include why)
  set_property(GLOBAL APPEND PROPERTY violations "${file}: #include ${include}: ${why}")
endfunction()

function(layer_of file result)
  foreach(layer IN LISTS layers)
    if(file MATCHES "${${layer}_files}")
      set(${result} ${layer} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()

# The includes of a file as written, with their brackets or quotes.
function(includes_of file result)
  file(READ ${ROOT}/${file} text)
  string(REGEX MATCHALL "\n[ \t]*#[ \t]*include[ \t]*[<\"][^>\"\n]+[>\"]" lines "\n${text}")
  list(TRANSFORM lines REPLACE "^[^<\"]*([<\"].+)$" "\\1")
  set(${result} ${lines} PARENT_SCOPE)
endfunction()

# The path from ROOT of a quoted include.
function(resolve file include result)
  string(REGEX REPLACE "^\"(.+)\"$" "\\1" path "${include}")
  cmake_path(GET file PARENT_PATH folder)
  cmake_path(APPEND folder "${path}" OUTPUT_VARIABLE path)
  cmake_path(NORMAL_PATH path)
  set(${result} "${path}" PARENT_SCOPE)
endfunction()

function(check_external file include)
  string(REGEX REPLACE "^<(.+)>$" "\\1" header "${include}")
  foreach(rule IN LISTS external_rules)
    string(REGEX MATCH "^(.+) => (.+)$" rule "${rule}")
    set(header_pattern "^(${CMAKE_MATCH_1})$")
    set(file_pattern "${CMAKE_MATCH_2}")
    if(header MATCHES "${header_pattern}")
      if(NOT file MATCHES "${file_pattern}")
        violation(${file} "${include}" "only files that match ${file_pattern} may")
      endif()
      return()
    endif()
  endforeach()
  violation(${file} "${include}" "no rule in cmake/check_layering.cmake names this header")
endfunction()

function(check_internal file include)
  resolve(${file} "${include}" target)
  layer_of(${file} layer)
  layer_of("${target}" target_layer)
  if(NOT EXISTS ${ROOT}/${target})
    violation(${file} "${include}" "there is no file ${target}")
  elseif(NOT target MATCHES "\\.h$")
    violation(${file} "${include}" "only headers are included")
  elseif(NOT target_layer IN_LIST ${layer}_includes)
    list(JOIN ${layer}_includes ", " allowed)
    violation(${file} "${include}" "${layer} may include ${allowed}, not ${target_layer}")
  elseif(target MATCHES "${private_core_headers}" AND NOT layer MATCHES "^(core|programs)$")
    violation(${file} "${include}" "this header is core's own")
  endif()
endfunction()

# Follows the quoted includes of a *.simd.cpp file as far as they lead.
function(check_simd file)
  includes_of(${file} includes)
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "^<(.+)>$" "\\1" header "${include}")
    if(include MATCHES "^<" AND NOT header IN_LIST simd_sees_standard)
      violation(${file} "${include}" "its inline functions may be linked into other files")
    endif()
  endforeach()
  set(seen "")
  set(queue ${file})
  while(queue)
    list(POP_FRONT queue next)
    includes_of(${next} includes)
    list(FILTER includes INCLUDE REGEX "^\"")
    foreach(include IN LISTS includes)
      resolve(${next} "${include}" target)
      if(NOT target MATCHES "${simd_sees}")
        violation(${next} "${include}"
                  "${file} sees it, and its inline functions may be linked into other files")
      elseif(NOT target IN_LIST seen AND EXISTS ${ROOT}/${target})
        list(APPEND seen ${target})
        list(APPEND queue ${target})
      endif()
    endforeach()
  endwhile()
endfunction()

foreach(folder core nn optim datasets train examples tests benchmarks)
  list(APPEND patterns ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.cpp)
endforeach()
file(GLOB_RECURSE files RELATIVE ${ROOT} ${patterns})
list(FILTER files EXCLUDE REGEX "^examples/course/.+/")  # exercises: bin/course compiles them
if(EXISTS ${ROOT}/gradus.h)
  list(APPEND files gradus.h)
endif()
list(LENGTH files count)
if(count EQUAL 0)
  message(FATAL_ERROR "no source file below ${ROOT}")
endif()

foreach(file IN LISTS files)
  includes_of(${file} includes)
  foreach(include IN LISTS includes)
    if(include MATCHES "^<")
      check_external(${file} "${include}")
    else()
      check_internal(${file} "${include}")
    endif()
  endforeach()
  if(file MATCHES "${simd_files}")
    check_simd(${file})
  endif()
endforeach()

get_property(violations GLOBAL PROPERTY violations)
if(violations)
  list(JOIN violations "\n  " text)
  message(NOTICE "  ${text}")
  message(FATAL_ERROR "These includes are against the layers of docs/design.md.")
endif()
message(STATUS "the includes of ${count} files follow the layers")

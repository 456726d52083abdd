# Warnings, sanitizers and optimization for Gradus' own files; never passed on to users.
option(GRADUS_WERROR "Treat warnings as errors" OFF)
set(GRADUS_SANITIZE "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")
option(GRADUS_FUZZ "Build the programs of tests/fuzz with libFuzzer (clang only)" OFF)
if(GRADUS_FUZZ AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "GRADUS_FUZZ needs clang: cmake --preset asan chooses it")
endif()

option(GRADUS_PRECOMPILE_HEADERS "Precompile the headers that most files share" OFF)

# gradus_share_headers(TARGET HEADER...): precompiles them for the target, if enabled.
function(gradus_share_headers target)
  if(GRADUS_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# gradus_optimize_less(LEVEL): tests and programs leave the work to the library. Their own code need
# not be fast, but there is much of it to compile. Applies to the targets of a folder.
function(gradus_optimize_less level)
  add_compile_options($<$<CONFIG:Release,RelWithDebInfo>:${level}>)
endfunction()

set(old_gcc $<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>)
add_library(gradus_build_options INTERFACE)
target_compile_features(gradus_build_options INTERFACE cxx_std_20)
target_compile_options(
  gradus_build_options
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast
            -Wnon-virtual-dtor -Woverloaded-virtual -Wunused
            # unset fields of option structs take their defaults: that is what they are for
            -Wno-missing-field-initializers
            # g++ 12 sees overlaps and overflows in the concatenation of strings that are none (GCC bug
            # 105651), the latter only where the headers of strings are precompiled
            $<${old_gcc}:-Wno-restrict>
            $<$<AND:${old_gcc},$<BOOL:${GRADUS_PRECOMPILE_HEADERS}>>:-Wno-array-bounds
            -Wno-stringop-overflow -Wno-stringop-overread>
            $<$<BOOL:${GRADUS_WERROR}>:-Werror>)
if(GRADUS_SANITIZE)
  target_compile_options(gradus_build_options INTERFACE -fsanitize=${GRADUS_SANITIZE}
                                                        -fno-omit-frame-pointer
                                                        -fno-sanitize-recover=all)
  target_link_options(gradus_build_options INTERFACE -fsanitize=${GRADUS_SANITIZE})
  # In kernels, most of whose instructions are accesses: without checks for pointers that the address
  # sanitizer sees as well when they are used, and with a function that is called for each access. A
  # quarter of the time to build them.
  if(GRADUS_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set(is_kernel $<BOOL:$<TARGET_PROPERTY:GRADUS_IS_KERNEL>>)
    target_compile_options(
      gradus_build_options
      INTERFACE $<${is_kernel}:-fno-sanitize=pointer-overflow,object-size,null,alignment>
                "$<${is_kernel}:SHELL:-mllvm -asan-instrumentation-with-call-threshold=0>")
  endif()
  # GNU's linker takes four times as long for what sanitizers add.
  find_program(GRADUS_LLD ld.lld)
  if(GRADUS_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_link_options(gradus_build_options INTERFACE -fuse-ld=lld)
  endif()
  # Empty optionals, indices beyond a vector: what sanitizers of memory do not see.
  target_compile_definitions(gradus_build_options INTERFACE _GLIBCXX_ASSERTIONS)
endif()
if(GRADUS_FUZZ)
  # What libFuzzer counts is what the readers of files do, not what kernels do.
  target_compile_options(
    gradus_build_options
    INTERFACE $<$<NOT:$<BOOL:$<TARGET_PROPERTY:GRADUS_IS_KERNEL>>>:-fsanitize=fuzzer-no-link>)
endif()

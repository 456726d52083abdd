# Warnings, sanitizers and optimization for Gradus' own files; never passed on to users.
option(GRADUS_WERROR "Treat warnings as errors" OFF)
set(GRADUS_SANITIZE "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")
option(GRADUS_FUZZ "Build the programs of tests/fuzz with libFuzzer (clang only)" OFF)
if(GRADUS_FUZZ AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "GRADUS_FUZZ needs clang: cmake --preset fuzz chooses it")
endif()

add_library(gradus_build_options INTERFACE)
target_compile_features(gradus_build_options INTERFACE cxx_std_20)
target_compile_options(
  gradus_build_options
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast
            -Wnon-virtual-dtor -Woverloaded-virtual -Wunused
            # unset fields of option structs take their defaults: that is what they are for
            -Wno-missing-field-initializers
            # g++ 12 sees overlaps in string concatenations that are none (GCC bug 105651)
            $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
            $<$<BOOL:${GRADUS_WERROR}>:-Werror>)
if(GRADUS_SANITIZE)
  target_compile_options(gradus_build_options INTERFACE -fsanitize=${GRADUS_SANITIZE}
                                                        -fno-omit-frame-pointer
                                                        -fno-sanitize-recover=all)
  target_link_options(gradus_build_options INTERFACE -fsanitize=${GRADUS_SANITIZE})
endif()
if(GRADUS_FUZZ)
  target_compile_options(gradus_build_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

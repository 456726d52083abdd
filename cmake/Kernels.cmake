# Files named *.simd.cpp are compiled once per instruction set, with GRADUS_ISA as its name; the best
# one is chosen at run time (core/simd/isa.h). -fno-math-errno and -fno-trapping-math let loops
# with sqrt and comparisons be vectorized; they do not change results. No kernel is part of a unity
# build: what becomes of it must not depend on the files beside it.
option(GRADUS_BASELINE_ONLY "Compile kernels for the plain architecture only" OFF)

function(gradus_add_simd_kernels target)
  set(sources ${ARGN})
  set(flags_baseline "")
  set(flags_avx2 -mavx2 -mfma -mbmi2)
  set(flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mbmi2
                   -mprefer-vector-width=512)
  set(sets baseline)
  if(GRADUS_BASELINE_ONLY)
    target_compile_definitions(${target} PUBLIC $<BUILD_INTERFACE:GRADUS_BASELINE_ONLY>)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND sets avx2 avx512)
  endif()
  foreach(isa IN LISTS sets)
    set(objects ${target}_${isa})
    add_library(${objects} OBJECT ${sources})
    target_compile_definitions(${objects} PRIVATE GRADUS_ISA=${isa}
                               $<$<BOOL:${GRADUS_BASELINE_ONLY}>:GRADUS_BASELINE_ONLY>)
    target_compile_options(${objects} PRIVATE ${flags_${isa}} -fno-math-errno -fno-trapping-math)
    target_link_libraries(${objects} PRIVATE gradus_build_options)
    set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON GRADUS_IS_KERNEL ON
                                                UNITY_BUILD OFF)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
  set(${target}_instruction_sets ${sets} PARENT_SCOPE)
endfunction()

# Compiles `sources`, loops over data, with -O2 if the build type's flags set no level: without any,
# a net trains some twenty times slower, in debug builds and in those of users who set no build
# type. A level that is set is kept, and so are builds with a sanitizer.
function(gradus_optimize)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  if(GRADUS_SANITIZE)
    return()
  endif()
  set(level "-O([0-9sgz]|fast)")
  set(options "")
  foreach(build_type IN ITEMS "" ${CMAKE_BUILD_TYPE} ${CMAKE_CONFIGURATION_TYPES})
    string(TOUPPER "${build_type}" name)
    if(NOT "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${name}}" MATCHES "${level}")
      list(APPEND options $<$<STREQUAL:$<CONFIG>,${build_type}>:-O2>)
    endif()
  endforeach()
  if(options)  # precompiled headers are for the other files' level
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${options}"
                                                   SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

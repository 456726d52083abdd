# System packages; a missing one is reported together with the package that provides it.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(gradus_missing what debian)
  message(FATAL_ERROR "Gradus needs ${what}.\n"
                      "  Debian and Ubuntu: apt-get install ${debian}\n"
                      "  or let scripts/install-deps.sh install everything.")
endfunction()

pkg_check_modules(OPENBLAS QUIET IMPORTED_TARGET openblas)
if(NOT OPENBLAS_FOUND)
  gradus_missing("OpenBLAS" libopenblas-dev)
endif()
# Where it is an ELF library it is loaded by name at run time rather than linked:
# core/linalg/lapack_kernel.cpp says why.
set(gradus_openblas ${OPENBLAS_LINK_LIBRARIES})
list(FILTER gradus_openblas INCLUDE REGEX "blas[^/]*\\.so$")
if(gradus_openblas AND CMAKE_READELF)
  execute_process(COMMAND ${CMAKE_READELF} -d ${gradus_openblas} OUTPUT_VARIABLE dynamic_section)
  if(dynamic_section MATCHES "\\(SONAME\\)[^\n]*\\[([^]\n]+)\\]")
    set(gradus_openblas_name ${CMAKE_MATCH_1})
  endif()
endif()

if(NOT gradus_openblas_name)
  pkg_check_modules(LAPACK QUIET IMPORTED_TARGET lapack)  # if OpenBLAS was built without it
endif()

find_package(nlohmann_json 3.9 QUIET)
if(NOT nlohmann_json_FOUND)
  gradus_missing("nlohmann/json 3.9 or later" nlohmann-json3-dev)
endif()

find_package(ZLIB QUIET)
if(NOT ZLIB_FOUND)
  gradus_missing("zlib" zlib1g-dev)
endif()

find_package(CURL QUIET)
if(NOT CURL_FOUND)
  message(STATUS "libcurl not found: data sets cannot be downloaded (libcurl4-openssl-dev)")
endif()

set(MPI_CXX_SKIP_MPICXX ON)  # only the functions of C
if(NOT GRADUS_SANITIZE)  # MPI leaks and races as it likes
  find_package(MPI QUIET COMPONENTS CXX)
endif()
if(NOT MPI_CXX_FOUND)
  message(STATUS "MPI not found: programs run as one process (libopenmpi-dev)")
endif()

function(gradus_link_dependencies target)
  target_link_libraries(
    ${target}
    PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json> ZLIB::ZLIB
    PUBLIC Threads::Threads)
  if(gradus_openblas_name)
    set(names GRADUS_OPENBLAS_NAME="${gradus_openblas_name}"
              GRADUS_OPENBLAS_PATH="${gradus_openblas}")
    set_source_files_properties(${PROJECT_SOURCE_DIR}/core/linalg/lapack_kernel.cpp
                                PROPERTIES COMPILE_DEFINITIONS "${names}")
    target_include_directories(${target} SYSTEM PRIVATE ${OPENBLAS_INCLUDE_DIRS})
    target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
  else()
    target_link_libraries(${target} PRIVATE PkgConfig::OPENBLAS
                                            $<TARGET_NAME_IF_EXISTS:PkgConfig::LAPACK>)
  endif()
  if(CURL_FOUND)
    target_link_libraries(${target} PRIVATE CURL::libcurl)
    target_compile_definitions(${target} PRIVATE GRADUS_HAVE_CURL)
  endif()
endfunction()

# Runs packaging/vcpkg/portfile.cmake with functions that do what vcpkg's of the same name do, as far
# as its documentation says, and looks at the package. It is built from SOURCE in WORK with COMPILER
# and the OPTIONS; LINKAGE is static or dynamic.
cmake_minimum_required(VERSION 3.22)

set(VCPKG_LIBRARY_LINKAGE ${LINKAGE})
set(CURRENT_PACKAGES_DIR ${WORK}/package)
set(CURRENT_BUILDTREES_DIR ${WORK}/build)
file(REMOVE_RECURSE ${WORK})

file(READ ${SOURCE}/packaging/vcpkg/vcpkg.json manifest)
string(JSON name GET "${manifest}" name)
string(JSON VERSION GET "${manifest}" version)
string(JSON FEATURES GET "${manifest}" default-features 0)
set(PORT ${name})

function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" OUT_FEATURE_OPTIONS INVERTED_FEATURES)
  list(POP_FRONT arg_INVERTED_FEATURES feature variable)
  set(off ON)
  if(feature IN_LIST FEATURES)
    set(off OFF)
  endif()
  set(${arg_OUT_FEATURE_OPTIONS} -D${variable}=${off} PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" SOURCE_PATH "OPTIONS;MAYBE_UNUSED_VARIABLES")
  string(COMPARE EQUAL ${LINKAGE} dynamic shared)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${CURRENT_BUILDTREES_DIR} -G Ninja
                          -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} -DBUILD_SHARED_LIBS=${shared}
                          -DCMAKE_INSTALL_LIBDIR=lib -DFETCHCONTENT_FULLY_DISCONNECTED=ON
                          -DCMAKE_CXX_COMPILER=${COMPILER} ${arg_OPTIONS} ${OPTIONS}
                  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_install)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${CURRENT_BUILDTREES_DIR} --target install
                  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" CONFIG_PATH "")
  file(MAKE_DIRECTORY ${CURRENT_PACKAGES_DIR}/share)
  file(RENAME ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH} ${CURRENT_PACKAGES_DIR}/share/${PORT})
  file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/lib/cmake)
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" FILE_LIST)
  file(COPY_FILE ${arg_FILE_LIST} ${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright)
endfunction()

include(${SOURCE}/packaging/vcpkg/portfile.cmake)

file(READ ${SOURCE}/CMakeLists.txt text)
if(NOT text MATCHES "project\\(gradus VERSION ${VERSION} ")
  message(SEND_ERROR "vcpkg.json has another version: ${VERSION}")
endif()
set(library lib/libgradus.a)
if(LINKAGE STREQUAL dynamic)
  set(library lib/libgradus.so)
endif()
foreach(file include/gradus/gradus.h ${library} lib/pkgconfig/gradus.pc share/gradus/copyright
             share/gradus/gradusConfig.cmake)
  if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/${file})
    message(SEND_ERROR "the port installs no ${file}")
  endif()
endforeach()
# What vcpkg refuses: the other kind of library, programs, files where it has none.
file(GLOB wrong ${CURRENT_PACKAGES_DIR}/bin ${CURRENT_PACKAGES_DIR}/share/doc
     ${CURRENT_PACKAGES_DIR}/lib/cmake)
file(GLOB libraries RELATIVE ${CURRENT_PACKAGES_DIR} ${CURRENT_PACKAGES_DIR}/lib/libgradus.*)
if(wrong OR NOT libraries MATCHES "^${library}(;lib/libgradus.so[.0-9]*)*$")
  message(SEND_ERROR "the port installs ${wrong} ${libraries}")
endif()

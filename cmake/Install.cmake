# `cmake --install`: the libraries, headers below include/gradus, programs, documents, and what
# find_package(gradus) and pkg-config read. Everything may be moved together afterwards.
option(GRADUS_INSTALL "Have `cmake --install` install Gradus" ${PROJECT_IS_TOP_LEVEL})

# gradus_install_programs(TARGET...): those of them that have been built.
function(gradus_install_programs)
  if(GRADUS_INSTALL)
    install(TARGETS ${ARGN} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs
                                                OPTIONAL)
  endif()
endfunction()

if(NOT GRADUS_INSTALL)
  return()
endif()

include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/gradusConfig.cmake.in gradusConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gradus
                              NO_SET_AND_CHECK_MACRO)
# Below 1.0 a new minor version may change the interface.
write_basic_package_version_file(gradusConfigVersion.cmake COMPATIBILITY SameMinorVersion)

# For gradus.pc. Those who link the static library need what it needs; the shared one has that.
set(gradus_requires zlib)
if(CURL_FOUND)
  string(APPEND gradus_requires " libcurl")
endif()
if(NOT gradus_openblas_name)
  string(APPEND gradus_requires " openblas")
  if(LAPACK_FOUND)
    string(APPEND gradus_requires " lapack")
  endif()
endif()
set(gradus_libraries " -pthread")
if(CMAKE_DL_LIBS)
  string(APPEND gradus_libraries " -l${CMAKE_DL_LIBS}")
endif()
if(gradus_with_shared)
  set(gradus_requires "Requires.private: ${gradus_requires}")
  string(PREPEND gradus_libraries "\nLibs.private:")
else()
  set(gradus_requires "Requires: ${gradus_requires}")
endif()

# gradus_install_libraries(LIBDIR LIBRARY DEVELOPMENT [EXCLUDE_FROM_ALL]): into the folder LIBDIR,
# what programs need as the component LIBRARY, what compiling needs as DEVELOPMENT.
function(gradus_install_libraries libdir library development)
  set(package_folder ${libdir}/cmake/gradus)
  set(sets ranks)
  set(targets_of_ranks gradus_ranks)
  if(gradus_with_static)
    list(APPEND sets static)
    set(targets_of_static gradus)
  endif()
  if(gradus_with_shared)
    list(APPEND sets shared)
    set(targets_of_shared gradus_shared)
  endif()
  foreach(set IN LISTS sets)
    install(TARGETS ${targets_of_${set}} EXPORT ${development}-${set}
            ARCHIVE DESTINATION ${libdir} COMPONENT ${development} ${ARGN}
            LIBRARY DESTINATION ${libdir} COMPONENT ${library}
                                          NAMELINK_COMPONENT ${development} ${ARGN})
    install(EXPORT ${development}-${set} FILE gradus-${set}.cmake NAMESPACE gradus::
            DESTINATION ${package_folder} COMPONENT ${development} ${ARGN})
  endforeach()
  install(FILES ${PROJECT_BINARY_DIR}/gradusConfig.cmake
                ${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake
          DESTINATION ${package_folder} COMPONENT ${development} ${ARGN})

  file(RELATIVE_PATH up /usr/${libdir}/pkgconfig /usr)
  string(REGEX REPLACE "/$" "" up "${up}")
  configure_file(cmake/gradus.pc.in ${development}/gradus.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${development}/gradus.pc DESTINATION ${libdir}/pkgconfig
          COMPONENT ${development} ${ARGN})
endfunction()
gradus_install_libraries(${CMAKE_INSTALL_LIBDIR} library development)

# What operations and kernels share among themselves is not part of the interface.
set(header_folder ${CMAKE_INSTALL_INCLUDEDIR}/gradus)
install(FILES gradus.h DESTINATION ${header_folder} COMPONENT headers)
foreach(folder core nn optim datasets train)
  install(DIRECTORY ${folder} DESTINATION ${header_folder} COMPONENT headers
          FILES_MATCHING PATTERN "*.h" PATTERN core/simd EXCLUDE PATTERN op_support.h EXCLUDE
          PATTERN apply.h EXCLUDE PATTERN sliding_window.h EXCLUDE PATTERN parse_json.h EXCLUDE
          PATTERN *_kernel.h EXCLUDE PATTERN *_plain.h EXCLUDE PATTERN *.simd.h EXCLUDE
          PATTERN protobuf*.h EXCLUDE PATTERN pickle.h EXCLUDE PATTERN import*.h EXCLUDE
          PATTERN translate.h EXCLUDE PATTERN onnx/model.h EXCLUDE)
endforeach()
install(DIRECTORY ${gradus_forward_folder}/gradus/ DESTINATION ${header_folder}
        COMPONENT headers)

# Links between documents work as in the tree.
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/gradus
        COMPONENT documents)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/gradus COMPONENT documents
        FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "*.png")
install(DIRECTORY examples/consumer DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/gradus/examples
        COMPONENT documents)

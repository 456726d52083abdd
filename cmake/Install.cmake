# `cmake --install`: the library, its headers below include/gradus, and the package config with
# which find_package(gradus) gives users the target gradus::gradus.
option(GRADUS_INSTALL "Have `cmake --install` install Gradus" ${PROJECT_IS_TOP_LEVEL})
if(NOT GRADUS_INSTALL)
  return()
endif()

include(CMakePackageConfigHelpers)

install(TARGETS gradus gradus_ranks EXPORT gradus-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# What operations and kernels share among themselves is not part of the interface.
set(header_folder ${CMAKE_INSTALL_INCLUDEDIR}/gradus)
install(FILES gradus.h DESTINATION ${header_folder})
foreach(folder core nn optim datasets train)
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder} DESTINATION ${header_folder}
            FILES_MATCHING PATTERN "*.h" PATTERN core/simd EXCLUDE PATTERN op_support.h EXCLUDE
            PATTERN apply.h EXCLUDE PATTERN sliding_window.h EXCLUDE PATTERN parse_json.h EXCLUDE
            PATTERN *_kernel.h EXCLUDE PATTERN *_plain.h EXCLUDE PATTERN *.simd.h EXCLUDE)
  endif()
endforeach()

install(DIRECTORY ${gradus_forward_folder}/gradus/ DESTINATION ${header_folder})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/gradus)
install(EXPORT gradus-targets NAMESPACE gradus:: DESTINATION ${package_folder})

# Users of a static library link its dependencies themselves; a shared one includes them.
get_target_property(gradus_type gradus TYPE)
set(gradus_is_static OFF)
if(gradus_type STREQUAL STATIC_LIBRARY)
  set(gradus_is_static ON)
endif()
configure_package_config_file(cmake/gradusConfig.cmake.in gradusConfig.cmake
                              INSTALL_DESTINATION ${package_folder}
                              NO_SET_AND_CHECK_MACRO)
# Below 1.0 a new minor version may change the interface.
write_basic_package_version_file(gradusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gradusConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/gradusConfigVersion.cmake
        DESTINATION ${package_folder})

# `cpack`: packages for Debian from the build tree, for the Debian that built it.
#
#   libgradus0.2   the shared library; the number changes with its interface
#   libgradus-dev  headers, both libraries, and what CMake and pkg-config read
#   gradus         the programs
#   gradus-doc     the documents
if(NOT GRADUS_INSTALL OR NOT gradus_with_static OR NOT gradus_with_shared)
  return()
endif()
find_program(GRADUS_GZIP gzip)
find_program(GRADUS_DPKG dpkg-deb)
mark_as_advanced(GRADUS_GZIP GRADUS_DPKG)
if(NOT GRADUS_GZIP OR NOT GRADUS_DPKG OR NOT CMAKE_LIBRARY_ARCHITECTURE)
  return()
endif()
set(GRADUS_MAINTAINER "The Gradus authors <gradus@gradus.invalid>"
    CACHE STRING "Who made the packages, with an address")

# Libraries of Debian's packages have a folder for each architecture, whatever that of `cmake
# --install` is.
gradus_install_libraries(lib/${CMAKE_LIBRARY_ARCHITECTURE} debian_library debian_development
                         EXCLUDE_FROM_ALL)

set(version ${PROJECT_VERSION}-1)
set(debian ${PROJECT_BINARY_DIR}/debian)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(packaging/debian/changelog.in ${debian}/changelog.Debian @ONLY)
execute_process(COMMAND ${GRADUS_GZIP} -9nf ${debian}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(CPACK_PACKAGE_VENDOR "The Gradus authors")
set(CPACK_PACKAGE_CONTACT "${GRADUS_MAINTAINER}")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
    GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_VERSION ${version})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE gradus)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# gradus_package(NAME SECTION SUMMARY TEXT COMPONENT...): of components, and its own papers.
function(gradus_package name section summary text)
  string(MAKE_C_IDENTIFIER ${name} group)
  install(FILES packaging/debian/copyright ${debian}/changelog.Debian.gz
          DESTINATION share/doc/${name} COMPONENT ${group}_papers EXCLUDE_FROM_ALL)
  set(components ${ARGN} ${group}_papers)
  foreach(component IN LISTS components)
    string(TOUPPER ${component} upper)
    set(CPACK_COMPONENT_${upper}_GROUP ${group} PARENT_SCOPE)
  endforeach()
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${components} PARENT_SCOPE)
  string(TOUPPER ${group} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${text}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_PRIORITY optional PARENT_SCOPE)
endfunction()

set(about "Gradus is a deep learning framework in C++20: tensors, a tape for automatic
differentiation, layers, optimizers and data sets, with kernels for AVX2 and
AVX-512 that are chosen at run time.")
set(openblas "")  # is loaded by its name, so dpkg-shlibdeps does not see it
if(gradus_openblas_name MATCHES "^libopenblas\\.so\\.([0-9]+)$")
  set(openblas libopenblas${CMAKE_MATCH_1})
endif()

gradus_package(libgradus${gradus_abi} libs "minimal deep learning framework (library)"
               "${about}\n.\nThis package has the shared library." debian_library)
string(MAKE_C_IDENTIFIER LIBGRADUS${gradus_abi} library)
set(CPACK_DEBIAN_${library}_PACKAGE_DEPENDS ${openblas})
set(CPACK_DEBIAN_${library}_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_${library}_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/triggers)

gradus_package(libgradus-dev libdevel "minimal deep learning framework (development)"
               "${about}\n.\nThis package has headers, the shared and the static library, and what CMake
and pkg-config need to find them." debian_development headers)
set(needs "libgradus${gradus_abi} (= ${version})" zlib1g-dev)
if(CURL_FOUND)
  list(APPEND needs "libcurl4-openssl-dev | libcurl-dev")
endif()
list(JOIN needs ", " CPACK_DEBIAN_LIBGRADUS_DEV_PACKAGE_DEPENDS)
if(MPI_CXX_FOUND)
  set(CPACK_DEBIAN_LIBGRADUS_DEV_PACKAGE_SUGGESTS "libopenmpi-dev | libmpich-dev, gradus-doc")
else()
  set(CPACK_DEBIAN_LIBGRADUS_DEV_PACKAGE_SUGGESTS gradus-doc)
endif()

gradus_package(gradus science "minimal deep learning framework (programs)"
               "${about}\n.\nThis package has programs: mnist trains and applies small nets for images,
norm_lab repeats what papers say about normalization, and tape_tour steps
through a tape." programs)
set(CPACK_DEBIAN_GRADUS_PACKAGE_DEPENDS ${openblas})
set(CPACK_DEBIAN_GRADUS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_GRADUS_PACKAGE_SUGGESTS "gradus-doc, graphviz, dataset-fashion-mnist")

gradus_package(gradus-doc doc "minimal deep learning framework (documents)"
               "${about}\n.\nThis package has the documents." documents)
set(CPACK_DEBIAN_GRADUS_DOC_PACKAGE_ARCHITECTURE all)

include(CPack)
set(gradus_has_packages ON)

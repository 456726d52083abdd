# Gradus as users get it: examples/consumer is built and run with Gradus' sources as a part of it
# (built shared), against that installed, against an installed static library, and against Debian's
# packages. The library is compiled for none of this: builds of the same sources take their objects
# from this build tree, once it is known that they would compile them with the same commands.
set(work ${CMAKE_CURRENT_BINARY_DIR}/package)
set(generator --build-generator ${CMAKE_GENERATOR} --build-makeprogram ${CMAKE_MAKE_PROGRAM})
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
set(compiler -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}
             -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
set(launcher -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER})
# As this tree is compiled, for builds of the sources.
set(as_here -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CURRENT_SOURCE_DIR}/reuse_object.sh)
foreach(option CMAKE_CXX_FLAGS CMAKE_CXX_FLAGS_${build_type} CMAKE_UNITY_BUILD
               CMAKE_UNITY_BUILD_BATCH_SIZE GRADUS_PRECOMPILE_HEADERS GRADUS_WERROR
               GRADUS_BASELINE_ONLY)
  list(APPEND as_here -D${option}=${${option}})
endforeach()
set(reuse ENVIRONMENT REUSE_FROM=${PROJECT_BINARY_DIR})

# Says that the files of the library are compiled in the build tree `tree` as here.
function(gradus_add_same_commands_test name tree)
  add_test(NAME package.${name}.same
           COMMAND ${CMAKE_COMMAND} -DCOMMANDS=${tree}/compile_commands.json
                   -DMAIN=${PROJECT_BINARY_DIR}/compile_commands.json -DLEAST=20
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/check_same_commands.cmake)
endfunction()

# Builds and runs the consumer in ${work}/<name>; what follows are options of its configuration. The
# package is looked for each time: a place found by an earlier run would hide that it has moved.
function(gradus_add_consumer_test name)
  add_test(NAME package.${name}
           COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test
                   ${PROJECT_SOURCE_DIR}/examples/consumer ${work}/${name} ${generator}
                   --build-noclean --build-options -Ugradus_DIR ${compiler} ${ARGN}
                   --test-command ${work}/${name}/consumer)
  add_test(NAME package.${name}.flags
           COMMAND ${CMAKE_COMMAND} -DCOMMANDS=${work}/${name}/compile_commands.json
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/check_consumer_flags.cmake)
  set_tests_properties(package.${name} PROPERTIES FIXTURES_SETUP consumer_${name} TIMEOUT 900)
  set_tests_properties(package.${name}.flags PROPERTIES FIXTURES_REQUIRED consumer_${name})
endfunction()

# Installs the build tree `build`, and moves what was installed to ${work}/<name>.
function(gradus_add_install_test name build)
  add_test(NAME package.${name}
           COMMAND ${CMAKE_COMMAND} -DBUILD=${build} -DPREFIX=${work}/${name}
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/install_afresh.cmake)
  set_tests_properties(package.${name} PROPERTIES FIXTURES_SETUP ${name})
endfunction()

# The package must be found without what only Gradus' own sources include.
set(without_json -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
gradus_add_install_test(installed ${PROJECT_BINARY_DIR})
gradus_add_consumer_test(consumer ${launcher} ${without_json} -DBUILD_SHARED_LIBS=OFF
                         -DCMAKE_PREFIX_PATH=${work}/installed)
set_tests_properties(package.consumer PROPERTIES FIXTURES_REQUIRED installed)

gradus_add_consumer_test(sources ${as_here} -DGRADUS_SOURCE=${PROJECT_SOURCE_DIR}
                         -DBUILD_SHARED_LIBS=ON -DGRADUS_INSTALL=ON)
set_tests_properties(package.sources PROPERTIES ${reuse})
gradus_add_same_commands_test(sources ${work}/sources)
set_tests_properties(package.sources.same PROPERTIES FIXTURES_REQUIRED consumer_sources)

# A shared library has brought its dependencies along: its users need none of them.
foreach(dependency ZLIB CURL PkgConfig)
  list(APPEND without_any -DCMAKE_DISABLE_FIND_PACKAGE_${dependency}=ON)
endforeach()
gradus_add_install_test(installed_shared ${work}/sources)
set_tests_properties(package.installed_shared PROPERTIES FIXTURES_REQUIRED consumer_sources)
gradus_add_consumer_test(consumer_shared ${launcher} ${without_json} ${without_any}
                         -DCMAKE_PREFIX_PATH=${work}/installed_shared)
set_tests_properties(package.consumer_shared PROPERTIES FIXTURES_REQUIRED installed_shared)

add_test(NAME package.version
         COMMAND ${CMAKE_COMMAND} -DPREFIX=${work}/installed -DVERSION=${PROJECT_VERSION}
                 -DWORK=${work}/version -P ${CMAKE_CURRENT_SOURCE_DIR}/check_version.cmake)
set_tests_properties(package.version PROPERTIES FIXTURES_REQUIRED installed)
if(TARGET gradus_shared AND CMAKE_NM)
  add_test(NAME package.exports
           COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DLIBRARY=$<TARGET_FILE:gradus_shared>
                   -DPREFIX=${work}/installed -P ${CMAKE_CURRENT_SOURCE_DIR}/check_exports.cmake)
  set_tests_properties(package.exports PROPERTIES FIXTURES_REQUIRED installed)
endif()

# Without a build type: a warning, and kernels that are optimized all the same. Not built.
add_test(NAME package.no_build_type
         COMMAND ${CMAKE_COMMAND} -S ${PROJECT_SOURCE_DIR}/examples/consumer
                 -B ${work}/no_build_type -G ${CMAKE_GENERATOR} ${compiler} -DCMAKE_BUILD_TYPE=
                 -DGRADUS_SOURCE=${PROJECT_SOURCE_DIR})
set_tests_properties(
  package.no_build_type PROPERTIES FIXTURES_SETUP no_build_type PASS_REGULAR_EXPRESSION
                                   "No build type: only Gradus' kernels are optimized")
add_test(NAME package.no_build_type.flags
         COMMAND ${CMAKE_COMMAND} -DCOMMANDS=${work}/no_build_type/compile_commands.json
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/check_kernel_flags.cmake)
set_tests_properties(package.no_build_type.flags PROPERTIES FIXTURES_REQUIRED no_build_type)

# The installed headers compile without the sources, in any order.
add_test(NAME package.headers
         COMMAND ${CMAKE_COMMAND} -DPREFIX=${work}/installed -DCOMPILER=${CMAKE_CXX_COMPILER}
                 -DWORK=${work}/headers -P ${CMAKE_CURRENT_SOURCE_DIR}/check_headers.cmake)
set_tests_properties(package.headers PROPERTIES FIXTURES_REQUIRED installed)

# Debian's packages, unpacked into a folder; scripts/test-packages.sh installs them. Where they cannot
# be made, ctest names the tests that did not run.
add_test(NAME package.debian
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_debian_packages.sh ${PROJECT_SOURCE_DIR}
                 ${PROJECT_BINARY_DIR} ${work}/debian ${CMAKE_CXX_COMPILER})
set_tests_properties(package.debian PROPERTIES FIXTURES_SETUP debian)
gradus_add_consumer_test(debian_consumer ${launcher} ${without_json} ${without_any}
                         -DCMAKE_PREFIX_PATH=${work}/debian/files/usr)
set_tests_properties(package.debian_consumer PROPERTIES FIXTURES_REQUIRED debian)
find_program(GRADUS_SHLIBDEPS dpkg-shlibdeps)
find_program(GRADUS_FILE file)
mark_as_advanced(GRADUS_SHLIBDEPS GRADUS_FILE)
if(NOT gradus_has_packages OR NOT TARGET mnist OR NOT GRADUS_SHLIBDEPS OR NOT GRADUS_FILE)
  message(STATUS "Without the tests package.debian*: they need mnist, dpkg-dev, file and gzip")
  set_tests_properties(package.debian package.debian_consumer package.debian_consumer.flags
                       PROPERTIES DISABLED ON)
endif()

# What docs/install.md says about pkg-config.
add_test(NAME package.documented
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install_commands.sh ${PROJECT_SOURCE_DIR}
                 ${work}/installed ${CMAKE_INSTALL_LIBDIR} ${work}/documented)
set_tests_properties(package.documented PROPERTIES FIXTURES_REQUIRED installed)
if(NOT gradus_with_shared OR NOT gradus_with_static)
  set_tests_properties(package.documented PROPERTIES DISABLED ON)
endif()

# The source archive, and what vcpkg and Conan do with the sources.
set(sources_options ${compiler} ${as_here})
add_test(NAME package.archive
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_archive.sh ${PROJECT_SOURCE_DIR} ${work}/archive
                 -G ${CMAKE_GENERATOR} ${sources_options} -DGRADUS_BUILD_BENCHMARKS=OFF)
set_tests_properties(package.archive PROPERTIES ${reuse} SKIP_RETURN_CODE 77)
add_test(NAME package.vcpkg
         COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DWORK=${work}/vcpkg
                 -DCOMPILER=${CMAKE_CXX_COMPILER} -DLINKAGE=dynamic "-DOPTIONS=${sources_options}"
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/vcpkg_port.cmake)
set_tests_properties(package.vcpkg PROPERTIES ${reuse})
find_program(GRADUS_PYTHON python3)
mark_as_advanced(GRADUS_PYTHON)
if(GRADUS_PYTHON)
  add_test(NAME package.conan
           COMMAND ${GRADUS_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/conan_recipe_test.py
                   ${PROJECT_SOURCE_DIR} ${work}/conan ${CMAKE_CXX_COMPILER} ${sources_options})
  set_tests_properties(package.conan PROPERTIES ${reuse})
else()
  message(STATUS "Without the test package.conan: there is no Python")
endif()

# Gradus as users get it: examples/consumer is built and run against an installed static library,
# with Gradus' sources as a part of it (built shared, to cover both), and against that installed.
set(work ${CMAKE_CURRENT_BINARY_DIR}/package)
set(generator --build-generator ${CMAKE_GENERATOR} --build-makeprogram ${CMAKE_MAKE_PROGRAM})
set(compiler -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
             -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}
             -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)

# Builds and runs the consumer in ${work}/<name>; what follows are options of its configuration.
function(gradus_add_consumer_test name)
  add_test(NAME package.${name}
           COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test
                   ${PROJECT_SOURCE_DIR}/examples/consumer ${work}/${name} ${generator}
                   --build-noclean --build-options ${compiler} ${ARGN}
                   --test-command ${work}/${name}/consumer)
  add_test(NAME package.${name}.flags
           COMMAND ${CMAKE_COMMAND} -DCOMMANDS=${work}/${name}/compile_commands.json
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/check_consumer_flags.cmake)
  set_tests_properties(package.${name} PROPERTIES FIXTURES_SETUP consumer_${name} TIMEOUT 900)
  set_tests_properties(package.${name}.flags PROPERTIES FIXTURES_REQUIRED consumer_${name})
endfunction()

# Installs the build tree `build` into ${work}/<name>.
function(gradus_add_install_test name build)
  add_test(NAME package.${name}
           COMMAND ${CMAKE_COMMAND} -DBUILD=${build} -DPREFIX=${work}/${name}
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/install_afresh.cmake)
  set_tests_properties(package.${name} PROPERTIES FIXTURES_SETUP ${name})
endfunction()

# The package must be found without what only Gradus' own sources include.
set(without_json -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
gradus_add_install_test(installed ${PROJECT_BINARY_DIR})
gradus_add_consumer_test(consumer ${without_json} -DCMAKE_PREFIX_PATH=${work}/installed)
set_tests_properties(package.consumer PROPERTIES FIXTURES_REQUIRED installed)

# What is built quickly is enough: it is the build that is tested.
gradus_add_consumer_test(sources -DGRADUS_SOURCE=${PROJECT_SOURCE_DIR} -DBUILD_SHARED_LIBS=ON
                         -DGRADUS_INSTALL=ON -DCMAKE_BUILD_TYPE=Debug
                         -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DGRADUS_PRECOMPILE_HEADERS=ON
                         -DCMAKE_UNITY_BUILD=ON)
set_tests_properties(package.sources PROPERTIES PROCESSORS 2)

# A shared library has brought its dependencies along: its users need none of them.
foreach(dependency ZLIB CURL PkgConfig)
  list(APPEND without_any -DCMAKE_DISABLE_FIND_PACKAGE_${dependency}=ON)
endforeach()
gradus_add_install_test(installed_shared ${work}/sources)
set_tests_properties(package.installed_shared PROPERTIES FIXTURES_REQUIRED consumer_sources)
gradus_add_consumer_test(consumer_shared ${without_json} ${without_any}
                         -DCMAKE_PREFIX_PATH=${work}/installed_shared)
set_tests_properties(package.consumer_shared PROPERTIES FIXTURES_REQUIRED installed_shared)

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

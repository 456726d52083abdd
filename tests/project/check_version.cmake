# find_package accepts the version that is installed below PREFIX and those that it can replace, and
# refuses others, older and newer. WORK is for projects that ask.
cmake_minimum_required(VERSION 3.22)

function(ask version expected)
  file(WRITE ${WORK}/${version}/CMakeLists.txt
       "cmake_minimum_required(VERSION 3.22)\nproject(asks LANGUAGES NONE)\n"
       "set(CMAKE_MODULE_PATH ${WORK}/modules)\n"
       "find_package(gradus ${version} REQUIRED)\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/${version} -B ${WORK}/${version}/build
                          -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON
                  RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE text)
  if(expected STREQUAL "found")
    if(NOT status EQUAL 0)
      message(SEND_ERROR "version ${version} was not found: ${text}")
    endif()
  elseif(status EQUAL 0 OR NOT text MATCHES "compatible[ \n]+with requested version")
    message(SEND_ERROR "version ${version} was not refused (${status}): ${text}")
  endif()
endfunction()

# Threads are looked for with a compiler, which takes longer than everything else here.
file(WRITE ${WORK}/modules/FindThreads.cmake "set(Threads_FOUND TRUE)\n")
string(REGEX MATCH "^([0-9]+)\\.([0-9]+)" minor ${VERSION})
math(EXPR older "${CMAKE_MATCH_2} - 1")
math(EXPR newer "${CMAKE_MATCH_2} + 1")
ask(${VERSION} found)
ask(${minor} found)
ask(${CMAKE_MATCH_1}.${older} refused)
ask(${CMAKE_MATCH_1}.${newer} refused)
ask(${minor}.99 refused)

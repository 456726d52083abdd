# The newest version in CHANGELOG.md of ROOT, its date, and what CMakeLists.txt and CITATION.cff say
# are the same.
cmake_minimum_required(VERSION 3.22)

# find_in(FILE REGEX RESULT): the group of the first line that matches.
function(find_in file regex result)
  file(READ ${ROOT}/${file} text)
  if(NOT "\n${text}" MATCHES "\n${regex}")
    message(FATAL_ERROR "${file}: no line like ${regex}")
  endif()
  set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

set(number "([0-9]+\\.[0-9]+\\.[0-9]+)")
set(day "([0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9])")
find_in(CMakeLists.txt "project\\(gradus VERSION ${number}" version)
find_in(CHANGELOG.md "## ${number}" changes)
find_in(CHANGELOG.md "## ${changes} - ${day}\n" changes_day)
find_in(CITATION.cff "version: \"?${number}" citation)
find_in(CITATION.cff "date-released: \"?${day}" citation_day)
if(NOT changes STREQUAL version OR NOT citation STREQUAL version)
  message(FATAL_ERROR "version ${version} in CMakeLists.txt, ${changes} in CHANGELOG.md, "
                      "${citation} in CITATION.cff")
endif()
if(NOT changes_day STREQUAL citation_day)
  message(FATAL_ERROR "${version} is of ${changes_day} in CHANGELOG.md, of ${citation_day} in "
                      "CITATION.cff")
endif()

# The target `docs`: the reference of the public headers as HTML, in docs/ of the build folder.
find_program(GRADUS_DOXYGEN doxygen)
mark_as_advanced(GRADUS_DOXYGEN)
if(NOT GRADUS_DOXYGEN)
  message(STATUS "Doxygen not found: no target docs (doxygen)")
  return()
endif()

set(doxyfile ${PROJECT_BINARY_DIR}/Doxyfile)
file(CONFIGURE OUTPUT ${doxyfile} @ONLY CONTENT [[
@INCLUDE         = docs/Doxyfile
PROJECT_NUMBER   = @PROJECT_VERSION@
OUTPUT_DIRECTORY = "@PROJECT_BINARY_DIR@"
]])
add_custom_target(docs COMMAND ${GRADUS_DOXYGEN} ${doxyfile}
                  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                  COMMENT "Writing ${PROJECT_BINARY_DIR}/docs/index.html" VERBATIM)

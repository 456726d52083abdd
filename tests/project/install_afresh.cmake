# Installs the build tree BUILD into PREFIX, by way of another folder: what is installed may be moved.
file(REMOVE_RECURSE ${PREFIX} ${PREFIX}.first)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}.first
                COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${PREFIX}.first ${PREFIX})
if(NOT EXISTS ${PREFIX}/include/gradus/gradus.h)
  message(FATAL_ERROR "gradus.h was not installed below ${PREFIX}/include/gradus")
endif()

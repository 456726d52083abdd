# Installs the build tree BUILD into PREFIX, which is emptied first.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT EXISTS ${PREFIX}/include/gradus/gradus.h)
  message(FATAL_ERROR "gradus.h was not installed below ${PREFIX}/include/gradus")
endif()

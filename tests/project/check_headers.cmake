# Compiles all headers installed below PREFIX with COMPILER, in both orders: one that lacks an
# include has to live with what its neighbours bring on either side. WORK is for the sources.
cmake_minimum_required(VERSION 3.22)

file(GLOB_RECURSE headers RELATIVE ${PREFIX}/include ${PREFIX}/include/gradus/*.h)
if(NOT headers)
  message(FATAL_ERROR "no header below ${PREFIX}/include/gradus")
endif()
list(TRANSFORM headers REPLACE "(.+)" "#include <\\1>\n")
foreach(order forwards backwards)
  string(CONCAT text ${headers})
  file(WRITE ${WORK}/${order}.cpp "${text}")
  execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -I${PREFIX}/include ${order}.cpp
                  WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
  list(REVERSE headers)
endforeach()

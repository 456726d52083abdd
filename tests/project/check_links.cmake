# Every relative link of a document of ROOT leads to a file or folder that exists.
cmake_minimum_required(VERSION 3.22)

file(GLOB documents ${ROOT}/*.md ${ROOT}/docs/*.md)
if(NOT documents)
  message(FATAL_ERROR "no document in ${ROOT}")
endif()
foreach(document IN LISTS documents)
  cmake_path(GET document PARENT_PATH folder)
  file(READ ${document} text)
  string(REPLACE "](" "\nLINK " text "${text}")  # square brackets confuse lists
  string(REGEX MATCHALL "\nLINK [^():# \n]+[)#]" links "${text}")
  foreach(link IN LISTS links)
    string(REGEX REPLACE "^\nLINK (.+).$" "\\1" target "${link}")
    if(NOT EXISTS ${folder}/${target})
      message(SEND_ERROR "${document} links to ${target}, which does not exist")
    endif()
  endforeach()
endforeach()

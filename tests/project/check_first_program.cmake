# The first program of README.md is that of examples/first_net, to the letter. README and PROGRAM
# are the files.
cmake_minimum_required(VERSION 3.22)

file(READ ${README} readme)
file(READ ${PROGRAM} program)
string(FIND "${readme}" "\n```cpp\n" begin)
string(SUBSTRING "${readme}" ${begin} -1 rest)
string(FIND "${rest}" "\n```cpp\n${program}```\n" found)
if(NOT found EQUAL 0)
  message(FATAL_ERROR "the first block of code in ${README} is not ${PROGRAM}")
endif()

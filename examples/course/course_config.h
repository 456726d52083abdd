// Where the course is, and how exercises are compiled: as CMake found it.
#pragma once

namespace course {

extern const char* const course_folder;
/// Words of commands, one per line: what compiles an exercise, and what it is linked with.
/// @{
extern const char* const compile_command;
extern const char* const link_command;
/// @}

}  // namespace course

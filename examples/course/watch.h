// The course as a program to work beside: it tests an exercise whenever its file is saved.
#pragma once

#include <span>

#include "exercises.h"
#include "student.h"

namespace course {

/// Watches the current exercise until the student quits. `poll`: look at the file several times a
/// second rather than be told by the system of changes, for folders where it does not tell.
/// Returns the exit status: 0, or 128 and the number of a signal. Throws gradus::IoError.
int watch(Student& student, std::span<const Exercise> exercises, bool poll);

}  // namespace course

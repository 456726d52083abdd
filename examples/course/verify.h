// Testing many exercises: for a student, a grader, and the authors of the course.
#pragma once

#include <span>

#include "exercises.h"
#include "student.h"

namespace course {

/// Tests all exercises of a student and notes which are done. Prints a line for each, or, as JSON,
/// one object with marks. Returns 0 if all passed, else 1.
int verify(Student& student, std::span<const Exercise> exercises, bool json);

/// What must hold of the course itself: every exercise fails with a message as it is given, every
/// solution passes, and every wrong one fails with the words after its "// expect: ". Prints what
/// does not hold. Returns 0 if all does, else 1.
int audit(std::span<const Exercise> exercises);

}  // namespace course

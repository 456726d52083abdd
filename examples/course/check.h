// Compiling and testing one exercise: the same for the student, the grader and the course's own
// tests.
#pragma once

#include <filesystem>
#include <string>

#include "exercises.h"

namespace course {

enum class Outcome { passed, failed, does_not_compile, crashed, too_slow };

struct Checked {
  Outcome outcome = Outcome::failed;
  std::string message;  ///< for the student: of the compiler, of the test, or what happened
  double seconds = 0;
};

/// Compiles `file`, one's own or that of the course, with the test of the exercise, and runs it.
/// Throws gradus::IoError if there is no such file or no compiler.
Checked check(const Exercise& exercise, const std::filesystem::path& file);

/// Compiles and runs the code of a chapter's text, all blocks together; its output is the message.
Checked run_text(const std::filesystem::path& text);

}  // namespace course

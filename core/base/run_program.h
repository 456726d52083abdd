// Running another program and reading what it prints.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// What a program that has ended left behind.
struct FinishedProgram {
  int status = 0;            ///< exit status; 128 and the signal's number if a signal ended it
  bool is_too_slow = false;  ///< the time was up, and it was killed with all that it had started
  std::string output;        ///< what it wrote to standard output
  std::string errors;        ///< and to standard error
};

/// Runs a program, which is looked for in PATH, with these arguments (the first is its name), gives
/// it `input` to read, and waits for its end, or for so many seconds. No shell is involved. Throws
/// IoError in the name of `op`, with this hint, if it cannot be started.
FinishedProgram run_program(std::string_view op, std::string_view hint,
                            std::vector<std::string> arguments, std::string_view input = {},
                            std::optional<double> seconds = {});

}  // namespace gradus

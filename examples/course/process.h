// Running a program with a time limit.
#pragma once

#include <string>
#include <vector>

namespace course {

/// How a program ended.
struct Ended {
  int status = 0;            ///< its exit status; -1 if it did not exit
  int signal = 0;            ///< what ended it, if a signal did
  bool is_too_slow = false;  ///< the time was up, and it was killed with all it had started
  double seconds = 0;
  std::string output;  ///< standard output and error, at most 64 KiB
};

/// Runs a program (looked for in PATH) and waits for its end, or kills it. Throws gradus::IoError
/// if it cannot be started.
Ended run_with_limit(const std::vector<std::string>& arguments, double seconds);

}  // namespace course

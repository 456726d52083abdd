// Running programs, for tests.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "temporary_folder.h"
#include "text.h"

namespace gradus::test {

struct Outcome {
  int status;       ///< exit status; -1 if a signal ended the program
  std::string out;  ///< standard output
  std::string err;  ///< standard error
};

/// Runs a shell command and waits for its end.
inline Outcome run(const std::string& command) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out").string(), err = (folder / "err").string();
  const int status = std::system(("( " + command + " ) > '" + out + "' 2> '" + err + "'").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(out), read_text(err)};
}

}  // namespace gradus::test

#include "warning.h"

#include <iostream>
#include <string>

namespace gradus {

void warn(std::string_view op, std::string_view text, std::string_view hint) noexcept {
  try {
    std::string line = "gradus: warning: [";
    line.append(op).append("] ").append(text).append(". Hint: ").append(hint).append("\n");
    std::cerr << line << std::flush;  // in one piece, if several threads warn
  } catch (...) {  // NOLINT(bugprone-empty-catch): a warning is not worth an error
  }
}

}  // namespace gradus

// Names as template arguments: Activation<"Tanh", tanh>.
#pragma once

namespace gradus {

/// A short text that a template can be given.
struct Name {
  char text[32] = {};
  /// No more than 31 characters.
  constexpr Name(const char* from) {
    for (char* to = text; *from != 0; ++from, ++to) *to = *from;
  }
  constexpr bool operator==(const Name&) const = default;
};

}  // namespace gradus

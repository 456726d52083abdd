// The interface of a fuzz target: a function that takes arbitrary bytes.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace gradus::fuzz {

/// Reads `input` as a file. Only errors that its reader promises are caught. Each program defines
/// it once.
void run(std::span<const std::byte> input);

/// Ends the program if a promise is broken, which libFuzzer reports together with the input.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

}  // namespace gradus::fuzz

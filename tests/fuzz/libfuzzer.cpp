// libFuzzer brings the main function and calls this one.
#include <cstdint>

#include "target.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gradus::fuzz::run(std::as_bytes(std::span(data, size)));
  return 0;
}

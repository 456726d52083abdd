// How long something takes, for tests.
#pragma once

#include <ctime>

namespace gradus::test {

/// Seconds of CPU time that f() takes; under a sanitizer a tenth of them, since that makes
/// everything several times slower.
template <class F>
double processor_seconds(const F& f) {
  const std::clock_t start = std::clock();
  f();
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
#if defined(GRADUS_SANITIZE_ADDRESS) || defined(GRADUS_SANITIZE_THREAD)
  return seconds / 10;
#else
  return seconds;
#endif
}

}  // namespace gradus::test

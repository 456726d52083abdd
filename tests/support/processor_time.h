// How long something takes, for tests.
#pragma once

#include <sys/resource.h>

namespace gradus::test {

/// Seconds that this process has computed itself, without what the system did for it: fresh memory
/// costs several times as much on one virtual machine as on another.
inline double user_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec) * 1e-6;
}

/// Seconds of CPU time that f() takes; under a sanitizer a tenth of them, since that makes
/// everything several times slower.
template <class F>
double processor_seconds(const F& f) {
  const double start = user_seconds();
  f();
  const double seconds = user_seconds() - start;
#if defined(GRADUS_SANITIZE_ADDRESS) || defined(GRADUS_SANITIZE_THREAD)
  return seconds / 10;
#else
  return seconds;
#endif
}

}  // namespace gradus::test

// Timing.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace gradus::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The median time of a call of `step`, over calls that take some `seconds` in total, after two
/// warm-up calls. Other load on the machine affects a median less than a mean.
template <class F>
double median_seconds(double seconds, const F& step) {
  for (int i = 0; i < 2; ++i) step();
  std::vector<double> times;
  const Clock::time_point start = Clock::now();
  while (times.size() < 5 || seconds_since(start) < seconds) {
    const Clock::time_point begin = Clock::now();
    step();
    times.push_back(seconds_since(begin));
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace gradus::bench

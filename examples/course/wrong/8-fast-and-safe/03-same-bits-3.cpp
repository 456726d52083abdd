// expect: on one thread
//
// The same bits are easy to have without threads.
#include "course.h"

using namespace gradus;

constexpr int64_t piece = 4096;

/// The sum of x[0] ... x[n - 1]; 0 if n is 0. The partial sums are floats, too.
float parallel_sum(const float* x, int64_t n) {
  float total = 0;
  for (int64_t i = 0; i < n; ++i) total += x[i];
  return total;
}

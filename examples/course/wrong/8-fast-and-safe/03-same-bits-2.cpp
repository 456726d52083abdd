// expect: depends on the number of threads
//
// One piece per thread is the fairest division of the work.
#include "course.h"

using namespace gradus;

constexpr int64_t piece = 4096;

/// The sum of x[0] ... x[n - 1]; 0 if n is 0. The partial sums are floats, too.
float parallel_sum(const float* x, int64_t n) {
  const int64_t each = std::max<int64_t>(1, std::min(n, (n + num_threads() - 1) / num_threads()));
  std::vector<float> partial(static_cast<size_t>((n + each - 1) / each));
  parallel_for(n, each, [&](int64_t begin, int64_t end) {
    float sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += x[i];
    partial[static_cast<size_t>(begin / each)] = sum;
  });
  float total = 0;
  for (const float sum : partial) total += sum;
  return total;
}

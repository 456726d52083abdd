// expect: if the last one is shorter
//
// n / piece pieces, which is right for round numbers.
#include "course.h"

using namespace gradus;

constexpr int64_t piece = 4096;

/// The sum of x[0] ... x[n - 1]; 0 if n is 0. The partial sums are floats, too.
float parallel_sum(const float* x, int64_t n) {
  std::vector<float> partial(static_cast<size_t>(n / piece + 1));
  parallel_for(n / piece * piece, piece, [&](int64_t begin, int64_t end) {
    float sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += x[i];
    partial[static_cast<size_t>(begin / piece)] = sum;
  });
  for (int64_t i = n / piece * piece; i < n - 1; ++i) partial.back() += x[i];
  float total = 0;
  for (const float sum : partial) total += sum;
  return total;
}

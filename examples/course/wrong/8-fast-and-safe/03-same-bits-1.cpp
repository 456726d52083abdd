// expect: in the order in which the pieces end
//
// A mutex makes it correct: no addition is lost. The order is another matter.
#include <mutex>

#include "course.h"

using namespace gradus;

constexpr int64_t piece = 4096;

/// The sum of x[0] ... x[n - 1]; 0 if n is 0. The partial sums are floats, too.
float parallel_sum(const float* x, int64_t n) {
  float total = 0;
  std::mutex lock;
  parallel_for(n, piece, [&](int64_t begin, int64_t end) {
    float sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += x[i];
    const std::lock_guard<std::mutex> guard(lock);
    total += sum;
  });
  return total;
}

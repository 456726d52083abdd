// expect: no faster
//
// -O3 is said to make loops fast; but it does not move the memory.
#include "course.h"

using namespace gradus;

/// The definition, and the loop to beat.
void plain_product(const float* a, const float* b, float* c, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (int64_t k = 0; k < n; ++k) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
  }
}

#pragma GCC push_options
#pragma GCC optimize("O3")  // lets the compiler use vector instructions where a loop permits it

void fast_product(const float* a, const float* b, float* c, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (int64_t k = 0; k < n; ++k) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
  }
}

#pragma GCC pop_options

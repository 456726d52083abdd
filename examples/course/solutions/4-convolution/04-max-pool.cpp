// 4.4  The gradient of max pooling.
#include <limits>

#include "course.h"

using namespace gradus;

/// The place of element [a,b,c,d] of a contiguous tensor of shape s.
int64_t at(const Shape& s, int64_t a, int64_t b, int64_t c, int64_t d) {
  return ((a * s[1] + b) * s[2] + c) * s[3] + d;
}

Tensor max_pool_gradient(const Tensor& g, const Tensor& x, int64_t size, int64_t stride) {
  const Shape in = x.shape(), out = g.shape();
  Tensor dx = zeros(in, float64);
  const double *gs = g.data<double>(), *xs = x.data<double>();
  double* dxs = dx.mutable_data<double>();
  for (int64_t n = 0; n < out[0]; ++n)
    for (int64_t c = 0; c < out[1]; ++c)
      for (int64_t i = 0; i < out[2]; ++i)
        for (int64_t j = 0; j < out[3]; ++j) {
          // Not 0: all of a window may be negative.
          double largest = -std::numeric_limits<double>::infinity();
          int64_t best = 0;
          for (int64_t a = 0; a < size; ++a)
            for (int64_t b = 0; b < size; ++b) {
              const int64_t place = at(in, n, c, i * stride + a, j * stride + b);
              // Strictly larger, so that the first of equal elements stays.
              if (xs[place] > largest) largest = xs[place], best = place;
            }
          // Windows may overlap: one element may be the largest of several.
          dxs[best] += gs[at(out, n, c, i, j)];
        }
  return dx;
}

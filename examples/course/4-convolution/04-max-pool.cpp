// 4.4  The gradient of max pooling.
//
// y[n,c,i,j] is the largest x[n, c, i stride + a, j stride + b] for a, b from 0 to size - 1; there
// is no padding. Given the gradient g [N, C, H', W'] of y, write that of x [N, C, H, W], both
// float64 and contiguous.
//
// Each g goes to the element that was the largest of its window, and to no other. Of several equal
// ones, it is the first, row by row. Windows overlap if the stride is less than the size.
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
  // TODO: for each element of g, find the place of the largest x of its window.
  course::todo("where the gradient of max pooling goes");
}

// 4.1  A convolution as plain loops.
//
// x [N, C, H, W] and weight [O, C, kh, kw] to y [N, O, H', W'], all float64 and contiguous:
//
//   y[n,o,i,j] = sum over c, a, b of  x[n, c, i stride + a - padding, j stride + b - padding]
//                                     weight[o, c, a, b]
//
// where x is 0 outside of the image, H' = (H + 2 padding - kh) / stride + 1, rounded down, and the
// same for W'. Elements are in x.data<double>(), weight.data<double>(), y.mutable_data<double>().
#include "course.h"

using namespace gradus;

/// The place of element [a,b,c,d] of a contiguous tensor of shape s.
int64_t at(const Shape& s, int64_t a, int64_t b, int64_t c, int64_t d) {
  return ((a * s[1] + b) * s[2] + c) * s[3] + d;
}

Tensor conv2d_loops(const Tensor& x, const Tensor& weight, int64_t stride, int64_t padding) {
  const Shape in = x.shape(), k = weight.shape();
  // TODO: the size of y, then seven loops: four over y, three over the window.
  course::todo("the convolution");
}

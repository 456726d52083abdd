// 4.1  A convolution as plain loops.
#include "course.h"

using namespace gradus;

/// The place of element [a,b,c,d] of a contiguous tensor of shape s.
int64_t at(const Shape& s, int64_t a, int64_t b, int64_t c, int64_t d) {
  return ((a * s[1] + b) * s[2] + c) * s[3] + d;
}

Tensor conv2d_loops(const Tensor& x, const Tensor& weight, int64_t stride, int64_t padding) {
  const Shape in = x.shape(), k = weight.shape();
  // How often a window fits: its last start is at the padded size minus its own.
  const int64_t height = (in[2] + 2 * padding - k[2]) / stride + 1;
  const int64_t width = (in[3] + 2 * padding - k[3]) / stride + 1;
  Tensor y = zeros({in[0], k[0], height, width}, float64);
  const double *xs = x.data<double>(), *ws = weight.data<double>();
  double* ys = y.mutable_data<double>();
  for (int64_t n = 0; n < in[0]; ++n)
    for (int64_t o = 0; o < k[0]; ++o)
      for (int64_t i = 0; i < height; ++i)
        for (int64_t j = 0; j < width; ++j) {
          // Each output sees every channel of its window.
          double total = 0;
          for (int64_t c = 0; c < k[1]; ++c)
            for (int64_t a = 0; a < k[2]; ++a)
              for (int64_t b = 0; b < k[3]; ++b) {
                const int64_t row = i * stride + a - padding, column = j * stride + b - padding;
                // Padding is never stored: outside of the image there is 0, which adds nothing.
                if (row < 0 || row >= in[2] || column < 0 || column >= in[3]) continue;
                // [a,b], not [kh-1-a,kw-1-b]: what is called a convolution here is a
                // cross-correlation.
                total += xs[at(in, n, c, row, column)] * ws[at(k, o, c, a, b)];
              }
          ys[at(y.shape(), n, o, i, j)] = total;
        }
  return y;
}

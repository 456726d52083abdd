// expect: dW keeps only the last
// Tempting: dx needs a sum, as windows overlap; but weights do not overlap.
#include "course.h"

using namespace gradus;

struct Gradients {
  Tensor x, weight;
};

/// The place of element [a,b,c,d] of a contiguous tensor of shape s.
int64_t at(const Shape& s, int64_t a, int64_t b, int64_t c, int64_t d) {
  return ((a * s[1] + b) * s[2] + c) * s[3] + d;
}

Gradients conv2d_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, int64_t stride,
                           int64_t padding) {
  const Shape in = x.shape(), k = weight.shape(), out = g.shape();
  Tensor dx = zeros(in, float64), dw = zeros(k, float64);
  const double *gs = g.data<double>(), *xs = x.data<double>(), *ws = weight.data<double>();
  double *dxs = dx.mutable_data<double>(), *dws = dw.mutable_data<double>();
  for (int64_t n = 0; n < out[0]; ++n)
    for (int64_t o = 0; o < out[1]; ++o)
      for (int64_t i = 0; i < out[2]; ++i)
        for (int64_t j = 0; j < out[3]; ++j)
          for (int64_t c = 0; c < k[1]; ++c)
            for (int64_t a = 0; a < k[2]; ++a)
              for (int64_t b = 0; b < k[3]; ++b) {
                const int64_t row = i * stride + a - padding, column = j * stride + b - padding;
                if (row < 0 || row >= in[2] || column < 0 || column >= in[3]) continue;
                dxs[at(in, n, c, row, column)] += gs[at(out, n, o, i, j)] * ws[at(k, o, c, a, b)];
                dws[at(k, o, c, a, b)] = gs[at(out, n, o, i, j)] * xs[at(in, n, c, row, column)];
              }
  return {dx, dw};
}

// 4.2  The gradients of a convolution.
//
// y = conv2d_loops(x, weight, stride, padding) as in 4.1, all float64 and contiguous. Given the
// gradient g [N, O, H', W'] of y, write those of x and of the weight. Forward, each turn of the
// innermost loop did
//
//   y[n,o,i,j] += x[n,c,row,column] weight[o,c,a,b]
//
// so backward has the same seven loops with two statements inside.
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
  // TODO: the loops of 4.1 again; write to dxs and dws, and return {dx, dw}.
  course::todo("the gradients of x and of the weight");
}

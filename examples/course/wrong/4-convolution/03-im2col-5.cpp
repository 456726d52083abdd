// expect: place in the window
// Tempting: reshape makes any shape of any other; but it moves no element.
#include "course.h"

using namespace gradus;

Tensor im2col(const Tensor& x, int64_t kh, int64_t kw, int64_t stride, int64_t padding) {
  const std::vector<int64_t> pads(4, padding);
  const Tensor padded = pad(x, pads);
  const int64_t height = (padded.size(2) - kh) / stride + 1;
  const int64_t width = (padded.size(3) - kw) / stride + 1;
  std::vector<Tensor> taps;
  for (int64_t a = 0; a < kh; ++a)
    for (int64_t b = 0; b < kw; ++b)
      taps.push_back(slice(slice(padded, 2, a, height, stride), 3, b, width, stride));
  return stack(taps, 0).reshape({x.size(0), -1, height * width});
}

/// The convolution: the rest of it.
Tensor conv2d_as_product(const Tensor& x, const Tensor& w, int64_t stride, int64_t padding) {
  const Tensor columns = im2col(x, w.size(2), w.size(3), stride, padding);
  const int64_t height = (x.size(2) + 2 * padding - w.size(2)) / stride + 1;
  return matmul(w.reshape({w.size(0), -1}), columns).reshape({x.size(0), w.size(0), height, -1});
}

// 4.3  A convolution as one matrix product.
//
// Write im2col: the windows of x [N, C, H, W] as the columns of matrices [N, C kh kw, H' W']. Row
// (c kh + a) kw + b of column i W' + j is x[c, i stride + a - padding, j stride + b - padding], so
// that a column has the order of weight[o] and the product below is the convolution. It has to
// work in float32 and float64.
//
// Two loops of kh and kw turns are enough, with pad, slice(x, dim, start, length, step), stack and
// reshape: the elements at place [a,b] of all windows are one strided slice of the padded image.
#include "course.h"

using namespace gradus;

Tensor im2col(const Tensor& x, int64_t kh, int64_t kw, int64_t stride, int64_t padding) {
  // TODO: pad, take kh kw slices [N, C, H', W'], put them together.
  course::todo("the windows as columns");
}

/// The convolution: the rest of it.
Tensor conv2d_as_product(const Tensor& x, const Tensor& w, int64_t stride, int64_t padding) {
  const Tensor columns = im2col(x, w.size(2), w.size(3), stride, padding);
  const int64_t height = (x.size(2) + 2 * padding - w.size(2)) / stride + 1;
  return matmul(w.reshape({w.size(0), -1}), columns).reshape({x.size(0), w.size(0), height, -1});
}

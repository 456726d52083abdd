// Two-dimensional convolution and its two gradients.
#pragma once

#include <cstdint>

#include "../simd/isa.h"

namespace gradus::kernels {

/// Sizes of a convolution: x [n, c, h, w], weight [o, c / groups, kh, kw], y [n, o, oh, ow].
struct ConvSizes {
  int64_t n, c, h, w;
  int64_t o, kh, kw;
  int64_t oh, ow;
  int64_t stride_h, stride_w;
  int64_t padding_h, padding_w;
  int64_t dilation_h, dilation_w;
  int64_t groups;
  bool winograd;  // whether Winograd's algorithm may be chosen

  /// Rows of the im2col matrix of one group: what one output element is a product over.
  int64_t depth() const { return c / groups * kh * kw; }
};

template <class T>
struct Conv {
  /// y = conv(x, weight) + bias; bias [o] may be null.
  void (*forward)(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias);
  /// dx = the input gradient for output gradient g [n, o, oh, ow].
  void (*input_gradient)(const ConvSizes& s, T* dx, const T* g, const T* weight);
  /// dweight = the weight gradient, summed over images in an order that n alone decides.
  void (*weight_gradient)(const ConvSizes& s, T* dweight, const T* g, const T* x);
};

}  // namespace gradus::kernels

// Two-dimensional convolution and its two gradients: the definition (conv_plain.cpp), the fast path
// (conv.simd.cpp), and the three algorithms that this may choose besides matrix products.
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
  bool winograd;                      // whether Winograd's algorithm may be used
  bool relu;                          // whether negative outputs of forward are 0
  const void* transformed = nullptr;  // by WinogradConv::transform, if the weights were before

  /// Rows of the im2col matrix of one group: the number of terms in an output element.
  int64_t depth() const { return c / groups * kh * kw; }

  /// Whether the input gradient is also a convolution without stride: of the output gradient with
  /// the flipped weights and the complementary padding.
  bool has_mirror() const {
    return stride_h == 1 && stride_w == 1 && padding_h <= dilation_h * (kh - 1) &&
           padding_w <= dilation_w * (kw - 1);
  }
  /// Then these are its sizes.
  [[gnu::always_inline]] ConvSizes of_input_gradient() const {
    ConvSizes t = *this;
    t.relu = false;
    t.c = o;
    t.h = oh;
    t.w = ow;
    t.o = c;
    t.oh = h;
    t.ow = w;
    t.padding_h = dilation_h * (kh - 1) - padding_h;
    t.padding_w = dilation_w * (kw - 1) - padding_w;
    return t;
  }
};

template <class T>
struct Conv {
  /// y = conv(x, weight) + bias, or with s.relu the larger of this and 0; bias [o] may be null.
  void (*forward)(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias);
  /// dx = the input gradient for output gradient g [n, o, oh, ow].
  void (*input_gradient)(const ConvSizes& s, T* dx, const T* g, const T* weight);
  /// dweight = the weight gradient, summed over images in an order that depends only on n. Returns
  /// whether dbias [o], if not null, has become the sums of g, in the same pass over it.
  bool (*weight_gradient)(const ConvSizes& s, T* dweight, T* dbias, const T* g, const T* x);
};
template <class T>
inline constexpr bool has_plain<Conv<T>> = true;

/// The same straight from the definition, in vectors: for few channels, and for kernels that are
/// not 3x3. The input gradient needs a mirror, or columns.
template <class T>
struct DirectConv : Conv<T> {
  /// Whether the output is large enough, and small enough, for an input gradient by columns.
  bool (*has_columns)(const ConvSizes& s);
};

/// The same for one output plane of each input plane.
template <class T>
struct DepthwiseConv : Conv<T> {};

/// The same on pixels of several images at once: for strides, and enough channels.
template <class T>
struct StridedConv : Conv<T> {};

/// The same by Winograd's minimal filtering, F(4x4, 3x3): for 3x3 kernels with stride, dilation and
/// groups 1 and a padding of at most 2. Four times fewer multiplications; errors are a few times
/// those of the definition, about 1e-6 of the largest output (Lavin and Gray, arXiv 1509.09308).
/// Outputs out of range (winograd_range.simd.h) are computed from the definition; if that would be
/// most of them, these functions return false without a result.
///
/// `transform` makes of 3x3 weights what forward needs of them, room_for(s) numbers, whatever the
/// size of the images; false if they are out of range.
template <class T>
struct WinogradConv {
  static constexpr int64_t fewest_channels = 16;  // for which it is worth while
  int64_t (*room_for)(const ConvSizes& s);
  bool (*transform)(const ConvSizes& s, T* transformed, const T* weight);
  bool (*forward)(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias);
  bool (*input_gradient)(const ConvSizes& s, T* dx, const T* g, const T* weight);
  bool (*weight_gradient)(const ConvSizes& s, T* dweight, const T* g, const T* x);
};

}  // namespace gradus::kernels

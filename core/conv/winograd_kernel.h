// 3x3 convolution without stride by Winograd's minimal filtering, F(4x4, 3x3).
#pragma once

#include "conv_kernel.h"

namespace gradus::kernels {

/// The same functions as those of Conv, for 3x3 kernels with stride, dilation and groups 1 and a
/// padding of at most 2. Four times fewer multiplications; errors are a few times those of the
/// definition, about 1e-6 of the largest output (Lavin and Gray, arXiv 1509.09308). What is out of
/// range (winograd_range.simd.h) is computed from the definition; where that would be most of it,
/// they return false, and the result is still to be computed.
template <class T>
struct WinogradConv {
  bool (*forward)(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias);
  bool (*input_gradient)(const ConvSizes& s, T* dx, const T* g, const T* weight);
  bool (*weight_gradient)(const ConvSizes& s, T* dweight, const T* g, const T* x);
};

}  // namespace gradus::kernels

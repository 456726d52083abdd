// Convolution without stride, straight from the definition: for few channels, and for kernels that
// are not 3x3.
#pragma once

#include "conv_kernel.h"

namespace gradus::kernels {

/// The same functions as those of Conv, for stride 1; the input gradient also needs a padding of at
/// most dilation * (kernel - 1).
template <class T>
struct DirectConv {
  void (*forward)(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias);
  void (*input_gradient)(const ConvSizes& s, T* dx, const T* g, const T* weight);
  void (*weight_gradient)(const ConvSizes& s, T* dweight, const T* g, const T* x);
};

}  // namespace gradus::kernels

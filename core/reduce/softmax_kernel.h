// Softmax and its logarithm along one dimension.
#pragma once

#include "../simd/axis.h"
#include "../simd/isa.h"

namespace gradus::kernels {

template <class T>
struct Softmax {
  /// out = exp(x - m) / s with m the maximum and s the sum of exp(x - m) along the axis, so that no
  /// exponential overflows. x and out are contiguous.
  void (*softmax)(const Axis& axis, T* out, const T* x);
  /// out = (x - m) - log(s)
  void (*log_softmax)(const Axis& axis, T* out, const T* x);
};

template <class T>
inline constexpr bool has_plain<Softmax<T>> = true;

}  // namespace gradus::kernels

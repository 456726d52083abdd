// Softmax and its logarithm along one dimension.
#pragma once

#include <cstdint>

#include "../simd/isa.h"

namespace gradus::kernels {

/// A contiguous tensor as three dimensions, before, along and after the one that a kernel works
/// along: [outer, n, inner].
struct Axis {
  int64_t outer, n, inner;
};

template <class T>
struct Softmax {
  /// out = exp(x - m) / s with m the maximum and s the sum of exp(x - m) along the axis, so that no
  /// exponential overflows. All tensors are contiguous.
  void (*softmax)(const Axis& axis, T* out, const T* x);
  /// out = (x - m) - log(s)
  void (*log_softmax)(const Axis& axis, T* out, const T* x);
  /// The gradient of x from g, that of the result y, for rows of n elements: y g - y sum(y g).
  void (*softmax_gradient)(int64_t rows, int64_t n, T* dx, const T* g, const T* y);
  /// g - exp(y) sum(g)
  void (*log_softmax_gradient)(int64_t rows, int64_t n, T* dx, const T* g, const T* y);
};

template <class T>
inline constexpr bool has_plain<Softmax<T>> = true;

}  // namespace gradus::kernels

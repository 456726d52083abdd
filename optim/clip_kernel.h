// The norm of gradients.
#pragma once

#include <cstdint>

#include "../core/simd/isa.h"

namespace gradus::kernels {

/// What the norm of all gradients is made from.
template <class T>
struct GradientNorm {
  /// Sum of |x|^ord, or the largest |x| for infinite ord, in double. Pieces are added in order, so
  /// that the result does not depend on the number of threads.
  double (*power_sum)(double ord, int64_t n, const T* x);
};

}  // namespace gradus::kernels

// Contiguous tensors seen from one of their dimensions.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// Row-major [outer, n, inner]: `n` is the dimension that a kernel works along.
struct Axis {
  int64_t outer, n, inner;
};

}  // namespace gradus::kernels

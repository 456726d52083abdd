// Contiguous tensors as three dimensions: before, along and after one of theirs.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// Row-major [outer, n, inner]: `n` is the dimension that a kernel works along.
struct Axis {
  int64_t outer, n, inner;
};

}  // namespace gradus::kernels

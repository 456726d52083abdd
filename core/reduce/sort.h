// Sorting. Part of ops.h, which states the conventions.
#pragma once

#include "reduce.h"

namespace gradus {

/// In ascending order; equal elements keep their order. NaN counts as largest.
ValuesIndices sort(const Tensor& x, int64_t dim = -1, bool descending = false);
/// The indices of sort().
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false);
/// The first k of sort(): by default the largest, largest first.
ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true);
/// Each value once, in order: [n]. No gradient.
Tensor unique(const Tensor& x);

}  // namespace gradus

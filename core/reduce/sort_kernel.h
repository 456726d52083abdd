// The order of elements along one dimension.
#pragma once

#include "../simd/strided.h"

namespace gradus::kernels {

/// The n elements that a run has, `x_step` apart, and the `k` places to write, `out_step` apart.
struct SortAxis {
  int64_t n, k, out_step, x_step;
};

/// out[0 ... k-1] = places of the k smallest (or largest) elements of each run, in order; equal
/// elements in the order in which they stand. NaN counts as larger than every number. The loop
/// walks (out, x) over the other dimensions.
template <class T>
void argsort(bool descending, const Loop<2>& loop, const SortAxis& axis, int64_t* out, const T* x);

}  // namespace gradus::kernels

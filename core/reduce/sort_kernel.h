// The order of elements along one dimension.
#pragma once

#include "../simd/strided.h"

namespace gradus::kernels {

/// The n elements of a run, `x_step` apart, and the `k` outputs, `out_step` apart.
struct SortAxis {
  int64_t n, k, out_step, x_step;
};

/// out[0 ... k-1] = indices of the k smallest (or largest) elements of each run, in order; equal
/// elements keep their order. NaN counts as larger than every number. The loop runs over (out, x)
/// in the other dimensions.
template <class T>
void argsort(bool descending, const Loop<2>& loop, const SortAxis& axis, int64_t* out, const T* x);

}  // namespace gradus::kernels

// Scans along one dimension: running sums, and the index of the largest element.
#pragma once

#include "../simd/strided.h"

namespace gradus::kernels {

/// out[0] = the first index of the largest (or smallest) of the n elements `step` apart; NaN counts
/// as largest and as smallest. The loop runs over (out, x) in the other dimensions; n is positive.
template <class T>
void arg_extreme(bool largest, const Loop<2>& loop, int64_t n, int64_t step, int64_t* out,
                 const T* x);

/// out[i] = x[0] + ... + x[i] for the n elements of a dimension, summed in double or 64 bits; from
/// the end if `reverse`. The loop runs over (out, x) in the other dimensions.
template <class T>
void cumsum(bool reverse, const Loop<2>& loop, int64_t n, int64_t out_step, int64_t x_step, T* out,
            const T* x);

}  // namespace gradus::kernels

// Strided copies, conversions and fills.
#pragma once

#include "../base/dtype.h"
#include "../simd/strided.h"

namespace gradus::kernels {

/// out = x, for elements of the same type.
void copy(const Loop<2>& loop, DType dtype, void* out, const void* x);
/// out = x converted as by a C++ cast; to bool: x != 0. False if an integer type of `out` cannot
/// hold an element: one that is NaN, infinite, or out of range after truncation.
[[nodiscard]] bool convert(const Loop<2>& loop, DType to, void* out, DType from, const void* x);
void fill(const Loop<1>& loop, DType dtype, void* out, double value);

}  // namespace gradus::kernels

// Strided copies, conversions and fills.
#pragma once

#include "../base/dtype.h"
#include "../simd/strided.h"

namespace gradus::kernels {

/// out = x, elements of one type.
void copy(const Loop<2>& loop, DType dtype, void* out, const void* x);
/// out = x converted as by a C++ cast; to bool: x != 0. False where a whole number `out` cannot
/// hold an element: that is NaN, infinite, or out of range when its fraction is cut off.
[[nodiscard]] bool convert(const Loop<2>& loop, DType to, void* out, DType from, const void* x);
void fill(const Loop<1>& loop, DType dtype, void* out, double value);

}  // namespace gradus::kernels

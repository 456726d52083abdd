// Strided copies, conversions and fills.
#pragma once

#include "../base/dtype.h"
#include "../base/random.h"
#include "../simd/strided.h"

namespace gradus::kernels {

/// out = x, elements of one type.
void copy(const Loop<2>& loop, DType dtype, void* out, const void* x);
/// out = x converted as by a C++ cast; to bool: x != 0. False where a whole number `out` cannot
/// hold an element: that is NaN, infinite, or out of range when its fraction is cut off.
[[nodiscard]] bool convert(const Loop<2>& loop, DType to, void* out, DType from, const void* x);
void fill(const Loop<1>& loop, DType dtype, void* out, double value);

/// n numbers uniform in [lo, hi), drawn from words 0 ... n-1 of `g` (2n for double).
template <class T>
void fill_uniform(int64_t n, T* out, const Rng& g, double lo, double hi);
/// n standard normal numbers, from words 0 ... 2n-1 of `g` (4n for double).
template <class T>
void fill_normal(int64_t n, T* out, const Rng& g);
/// n numbers that are 0 with probability p and `scale` otherwise, from words 0 ... n-1 of `g`.
template <class T>
void fill_dropout(int64_t n, T* out, const Rng& g, double p, double scale);

}  // namespace gradus::kernels

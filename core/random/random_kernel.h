// Arrays of random numbers.
#pragma once

#include "../base/dtype.h"
#include "../base/random.h"

namespace gradus::kernels {

/// n numbers uniform in [lo, hi), drawn from words 0 ... n-1 of `g` (2n for double).
void fill_uniform(int64_t n, DType dtype, void* out, const Rng& g, double lo, double hi);
/// n standard normal numbers, from words 0 ... 2n-1 of `g` (4n for double).
void fill_normal(int64_t n, DType dtype, void* out, const Rng& g);
/// n numbers that are 0 with probability p and 1 / (1 - p) otherwise (all 0 for p = 1), from words
/// 0 ... n-1 of `g`.
void fill_dropout(int64_t n, DType dtype, void* out, const Rng& g, double p);

}  // namespace gradus::kernels

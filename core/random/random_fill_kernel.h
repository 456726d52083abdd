// Arrays of random numbers.
#pragma once

#include <cstdint>

#include "../base/random.h"

namespace gradus::kernels {

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

// Random tensors, and dropout. Part of ops.h, which states the conventions.
#pragma once

#include "../base/random.h"
#include "../tensor.h"

namespace gradus {

/// Uniform in [lo, hi), and normal with mean 0 and standard deviation 1. Floating-point types only;
/// the generator advances. Without one they draw from that of the thread, which manual_seed()
/// seeds: default_rng(Stream::general). ValueError for bounds that are not finite or not in order.
/// @{
Tensor rand(const Shape& shape, Rng& generator = default_rng(Stream::general), double lo = 0,
            double hi = 1, DType dtype = float32);
Tensor randn(const Shape& shape, Rng& generator = default_rng(Stream::general),
             DType dtype = float32);
Tensor rand_like(const Tensor& x, Rng& generator = default_rng(Stream::general));
Tensor randn_like(const Tensor& x, Rng& generator = default_rng(Stream::general));
inline Tensor rand(const Shape& shape, DType dtype) {
  return rand(shape, default_rng(Stream::general), 0, 1, dtype);
}
inline Tensor randn(const Shape& shape, DType dtype) {
  return randn(shape, default_rng(Stream::general), dtype);
}
/// @}
/// int64 numbers in [lo, hi), and a random permutation of 0 ... n - 1. Without a generator as
/// above.
/// @{
Tensor randint(int64_t lo, int64_t hi, const Shape& shape,
               Rng& generator = default_rng(Stream::general));
Tensor randperm(int64_t n, Rng& generator = default_rng(Stream::general));
/// @}

// Without a generator these draw from that of the thread from which the layers draw.

/// Zeroes each element with probability p and multiplies the others by 1 / (1 - p) (Srivastava et
/// al., JMLR 15, 2014). Throws ValueError for p outside [0, 1], as the next two.
Tensor dropout(const Tensor& x, double p, Rng& generator = default_rng(Stream::dropout));
/// The same for whole channels: x is [N, C, ...], and each [n, c] is kept or zeroed.
Tensor dropout_channels(const Tensor& x, double p, Rng& generator = default_rng(Stream::dropout));
/// Sets each element to -1.758 (what selu tends to) with probability p, and then scales and shifts
/// all so that mean 0 and variance 1 stay (Klambauer et al., arXiv 1706.02515).
Tensor alpha_dropout(const Tensor& x, double p, Rng& generator = default_rng(Stream::dropout));

}  // namespace gradus

// Random tensors, and dropout. Part of ops.h, which states the conventions.
#pragma once

#include "../base/random.h"
#include "../tensor.h"

namespace gradus {

/// Uniform in [lo, hi), and normal with mean 0 and standard deviation 1. Floating-point types only;
/// the generator advances. Without one they draw from that of the thread, which manual_seed()
/// seeds: default_rng(Stream::general). ValueError for bounds that are not finite or not in order.
/// @{
Tensor rand(const Shape& shape, Rng& generator, double lo = 0, double hi = 1,
            DType dtype = float32);
Tensor randn(const Shape& shape, Rng& generator, DType dtype = float32);
Tensor rand_like(const Tensor& x, Rng& generator);
Tensor randn_like(const Tensor& x, Rng& generator);
inline Tensor rand(const Shape& shape, DType dtype = float32) {
  return rand(shape, default_rng(Stream::general), 0, 1, dtype);
}
inline Tensor randn(const Shape& shape, DType dtype = float32) {
  return randn(shape, default_rng(Stream::general), dtype);
}
inline Tensor rand_like(const Tensor& x) {
  return rand_like(x, default_rng(Stream::general));
}
inline Tensor randn_like(const Tensor& x) {
  return randn_like(x, default_rng(Stream::general));
}
/// @}
/// int64 numbers in [lo, hi), and a random permutation of 0 ... n - 1. Without a generator as
/// above.
/// @{
Tensor randint(int64_t lo, int64_t hi, const Shape& shape, Rng& generator);
Tensor randperm(int64_t n, Rng& generator);
inline Tensor randint(int64_t lo, int64_t hi, const Shape& shape) {
  return randint(lo, hi, shape, default_rng(Stream::general));
}
inline Tensor randperm(int64_t n) {
  return randperm(n, default_rng(Stream::general));
}
/// @}

/// Zeroes each element with probability p and multiplies the others by 1 / (1 - p) (Srivastava et
/// al., JMLR 15, 2014). Throws ValueError for p outside [0, 1], as the next two.
Tensor dropout(const Tensor& x, double p, Rng& generator);
/// The same for whole channels: x is [N, C, ...], and each [n, c] is kept or zeroed.
Tensor dropout_channels(const Tensor& x, double p, Rng& generator);
/// Sets each element to -1.758 (what selu tends to) with probability p, and then scales and shifts
/// all so that mean 0 and variance 1 stay (Klambauer et al., arXiv 1706.02515).
Tensor alpha_dropout(const Tensor& x, double p, Rng& generator);
/// The same three, drawing from the generator of the thread that the layers draw from.
/// @{
inline Tensor dropout(const Tensor& x, double p) {
  return dropout(x, p, default_rng(Stream::dropout));
}
inline Tensor dropout_channels(const Tensor& x, double p) {
  return dropout_channels(x, p, default_rng(Stream::dropout));
}
inline Tensor alpha_dropout(const Tensor& x, double p) {
  return alpha_dropout(x, p, default_rng(Stream::dropout));
}
/// @}

}  // namespace gradus

// Random tensors, and dropout.
#include <algorithm>
#include <cmath>

#include "../op_support.h"
#include "random_kernel.h"

namespace gradus {

using namespace ops;

Tensor rand(const Shape& shape, Rng& generator, double lo, double hi, DType dtype) {
  const bool ordered = dispatch_floating("rand", dtype, [&]<class T>() {
    return static_cast<T>(lo) <= static_cast<T>(hi) &&
           std::isfinite(static_cast<T>(hi) - static_cast<T>(lo));
  });
  require(ordered, "rand", "the lower bound is included, the upper one is not; both are finite",
          "there is no number in [", lo, ", ", hi, ")");
  Tensor out = Tensor::empty(shape, dtype);
  kernels::fill_uniform(out.numel(), dtype, out.raw_mutable_data(),
                        generator.take(static_cast<uint64_t>(out.nbytes()) / 4), lo, hi);
  return out;
}

Tensor randn(const Shape& shape, Rng& generator, DType dtype) {
  dispatch_floating("randn", dtype, []<class T>() {});
  Tensor out = Tensor::empty(shape, dtype);
  kernels::fill_normal(out.numel(), dtype, out.raw_mutable_data(),
                       generator.take(static_cast<uint64_t>(out.nbytes()) / 2));
  return out;
}

Tensor rand_like(const Tensor& x, Rng& generator) {
  return rand(x.shape(), generator, 0, 1, x.dtype());
}
Tensor randn_like(const Tensor& x, Rng& generator) {
  return randn(x.shape(), generator, x.dtype());
}

Tensor randint(int64_t lo, int64_t hi, const Shape& shape, Rng& generator) {
  require(lo < hi, "randint", "the lower bound is included, the upper one is not",
          "there is no number in [", lo, ", ", hi, ")");
  Tensor out = Tensor::empty(shape, int64);
  int64_t* const values = out.mutable_data<int64_t>();
  const uint64_t range = static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo);
  std::generate_n(values, out.numel(), [&] {
    return static_cast<int64_t>(static_cast<uint64_t>(lo) + generator.below(range));
  });
  return out;
}

Tensor randperm(int64_t n, Rng& generator) {
  require(n >= 0, "randperm", "the count must not be negative", "a permutation of ", n, " numbers");
  Tensor out = arange(n);
  int64_t* const values = out.mutable_data<int64_t>();
  for (int64_t i = n; i > 1; --i) {  // Fisher and Yates
    std::swap(values[i - 1], values[generator.below(static_cast<uint64_t>(i))]);
  }
  return out;
}

// --- Dropout ---

namespace {

/// 0 with probability p, else 1 / (1 - p); draws one word of `generator` per element of `shape`.
Tensor checked_mask(const char* op, const Tensor& x, double p, Rng& generator, const Shape& shape) {
  require(p >= 0 && p <= 1, "dropout", "it is the share of elements that become 0",
          "the probability must be in [0, 1], got ", p);
  check_floating(op, x);
  Tensor mask = Tensor::empty(shape, x.dtype());
  kernels::fill_dropout(mask.numel(), x.dtype(), mask.raw_mutable_data(),
                        generator.take(static_cast<uint64_t>(mask.numel())), p);
  return mask;
}

Tensor apply_mask(const Tensor& x, const Tensor& mask) {
  const Tensor y = mul_or_zero(x.detach(), mask);
  return record("dropout", inputs(x), y, saved(mask),
                [](auto& s, auto& g) { return mul_or_zero(g, s[0]); });
}

}  // namespace

Tensor dropout(const Tensor& x, double p, Rng& generator) {
  return apply_mask(x, checked_mask("dropout", x, p, generator, x.shape()));
}

Tensor dropout_channels(const Tensor& x, double p, Rng& generator) {
  require<ShapeError>(x.dim() >= 2, "dropout", "unsqueeze(x, 0) makes a batch of one sample",
                      "expected [N,C,...] to drop channels of, got ", x.shape());
  Shape channels = Shape::filled(x.dim(), 1);
  channels[0] = x.shape()[0];
  channels[1] = x.shape()[1];
  return apply_mask(x, expand(checked_mask("dropout", x, p, generator, channels), x.shape()));
}

Tensor alpha_dropout(const Tensor& x, double p, Rng& generator) {
  const Tape::Span span("alpha_dropout", Option{"p", p});
  const Tensor mask = checked_mask("alpha_dropout", x, p, generator, x.shape());
  if (p == 1) return mul_or_zero(x, mask);         // nothing is left that could be scaled
  constexpr double dropped = -1.7580993408473766;  // -scale alpha of selu
  const double factor = 1 / std::sqrt((1 - p) * (1 + p * dropped * dropped));
  return add(mul(masked_fill(x, eq(mask, 0), dropped), factor), -factor * p * dropped);
}

}  // namespace gradus

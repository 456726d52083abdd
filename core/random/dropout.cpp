
#include <cmath>

#include "../op.h"
#include "random_fill_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// 0 with probability p, else 1 / (1 - p); draws one word of `generator` per element.
Tensor dropout_mask(const Shape& shape, DType dtype, double p, Rng& generator) {
  Tensor mask = Tensor::empty(shape, dtype);
  const Rng draw = generator.take(static_cast<uint64_t>(mask.numel()));
  dispatch_floating("dropout", dtype, [&]<class T>() {
    kernels::fill_dropout(mask.numel(), mask.mutable_data<T>(), draw, p, p < 1 ? 1 / (1 - p) : 0);
  });
  return mask;
}

void check_probability(double p) {
  if (p >= 0 && p <= 1) return;  // false for NaN too
  throw ValueError("dropout", str("the probability must be in [0, 1], got ", p),
                   "it is the share of elements that become 0");
}

Tensor apply_mask(const Tensor& x, const Tensor& mask) {
  const Tensor y = mul_or_zero(x.detach(), mask);
  return record("dropout", inputs(x), y, saved(mask),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul_or_zero(g, s[0])};
                });
}

}  // namespace

Tensor dropout(const Tensor& x, double p, Rng& generator) {
  check_probability(p);
  check_floating("dropout", x);
  return apply_mask(x, dropout_mask(x.shape(), x.dtype(), p, generator));
}

Tensor dropout_channels(const Tensor& x, double p, Rng& generator) {
  check_probability(p);
  check_floating("dropout", x);
  if (x.dim() < 2) {
    throw ShapeError("dropout", str("expected [N,C,...] to drop channels of, got ", x.shape()),
                     "unsqueeze(x, 0) makes a batch of one sample");
  }
  Shape channels = Shape::filled(x.dim(), 1);
  channels[0] = x.shape()[0];
  channels[1] = x.shape()[1];
  const Tensor mask = dropout_mask(channels, x.dtype(), p, generator);
  return apply_mask(x, expand(mask, x.shape()));
}

Tensor alpha_dropout(const Tensor& x, double p, Rng& generator) {
  check_probability(p);
  check_floating("alpha_dropout", x);
  const Tensor mask = dropout_mask(x.shape(), x.dtype(), p, generator);
  if (p == 1) return mul_or_zero(x, mask);         // nothing is left that could be scaled
  constexpr double dropped = -1.7580993408473766;  // -scale alpha of selu
  const double factor = 1 / std::sqrt((1 - p) * (1 + p * dropped * dropped));
  return add(mul(masked_fill(x, eq(mask, 0), dropped), factor), -factor * p * dropped);
}

}  // namespace gradus

// Dropout.
#include <cmath>

#include "../op_support.h"
#include "random_kernel.h"

namespace gradus {

using namespace ops;

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

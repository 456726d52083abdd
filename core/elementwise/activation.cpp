// Activation functions.
#include <cmath>

#include "apply.h"

namespace gradus {

using namespace ops;

namespace {

struct GeluOptions {
  Gelu approximate;
  static void describe(auto& options, auto& visit) {
    visit.choice("approximate", options.approximate, {"none", "tanh"});
  }
};

}  // namespace

Tensor relu(const Tensor& x) {
  return unary<"relu">(x);
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  check_floating("leaky_relu", x);
  // 0 times -inf is no number.
  const Tensor y = negative_slope == 0 ? compute<"relu">("leaky_relu", x)
                                       : compute<"leaky_relu">("leaky_relu", x, negative_slope);
  return recorded<"leaky_relu">("leaky_relu", x, y,
                                NumberOptions<"negative_slope">{{negative_slope}});
}

Tensor elu(const Tensor& x, double alpha) {
  return unary<"elu", "alpha">(x, alpha);
}

Tensor celu(const Tensor& x, double alpha) {
  require(alpha != 0 && !std::isnan(alpha), "celu", "1 is usual",
          "alpha must be a number other than 0, got ", alpha);
  return unary<"celu", "alpha">(x, alpha);
}

Tensor gelu(const Tensor& x, Gelu form) {
  return form == Gelu::exact
             ? recorded<"gelu">("gelu", x, compute<"gelu">("gelu", x), GeluOptions{form})
             : recorded<"gelu_tanh">("gelu", x, compute<"gelu_tanh">("gelu", x), GeluOptions{form});
}

Tensor silu(const Tensor& x) {
  return unary<"silu">(x);
}

Tensor mish(const Tensor& x) {
  return unary<"mish">(x);
}

Tensor softplus(const Tensor& x, double beta, double threshold) {
  return unary<"softplus", "beta", "threshold">(x, beta, threshold);
}

Tensor log_sigmoid(const Tensor& x) {
  return unary<"log_sigmoid">(x);
}

Tensor softsign(const Tensor& x) {
  return unary<"softsign">(x);
}

Tensor hardshrink(const Tensor& x, double lambda) {
  return unary<"hardshrink", "lambda">(x, lambda);
}

Tensor softshrink(const Tensor& x, double lambda) {
  require(lambda >= 0, "softshrink", "0.5 is usual", "lambda must not be negative, got ", lambda);
  return unary<"softshrink", "lambda">(x, lambda);
}

// --- With a kink where clamp has one, and gradient 0 on it ---

Tensor hardtanh(const Tensor& x, double min_val, double max_val) {
  require(min_val < max_val, "hardtanh", "swap them, or use clamp() for one bound",
          "min_val must be less than max_val, got ", min_val, " and ", max_val);
  return unary<"hardtanh", "min_val", "max_val">(x, min_val, max_val);
}

Tensor relu6(const Tensor& x) {
  const Tape::Span span("relu6");
  return hardtanh(x, 0, 6);
}

Tensor hardsigmoid(const Tensor& x) {
  return unary<"hardsigmoid">(x);
}

Tensor hardswish(const Tensor& x) {
  return unary<"hardswish">(x);
}

// --- Composed ---

Tensor prelu(const Tensor& x, const Tensor& weight) {
  constexpr const char* op = "prelu";
  const Tape::Span span(op);
  check_floating(op, x);
  check_same_dtype(op, x, weight);
  check_dim(op, "a weight", weight, 1, "[C]");
  const int64_t channels = x.dim() > 1 ? x.shape()[1] : 1;
  require<ShapeError>(weight.numel() == 1 || weight.numel() == channels, op,
                      "channels are dimension 1 of the input", "expected a weight [1] or [",
                      channels, "], got ", weight.shape(), " for input ", x.shape());
  Shape shape = Shape::filled(x.dim(), 1);
  if (x.dim() > 1) shape[1] = weight.numel();
  const Tensor positive = gt(x, 0);
  // The mask inside keeps infinities of the positive side out of the weight's gradient.
  return where(positive, x, mul_or_zero(masked_fill(x, positive, 0), reshape(weight, shape)));
}

Tensor selu(const Tensor& x) {
  constexpr double alpha = 1.6732632423543772848170429916717;
  constexpr double scale = 1.0507009873554804934193349852946;
  const Tape::Span span("selu");
  return mul(elu(x, alpha), scale);
}

Tensor tanhshrink(const Tensor& x) {
  const Tape::Span span("tanhshrink");
  return sub(x, tanh(x));
}

Tensor threshold(const Tensor& x, double threshold, double value) {
  const Tape::Span span("threshold", NumberOptions<"threshold", "value">{{threshold, value}});
  return masked_fill(x, le(x, threshold), value);
}

Tensor glu(const Tensor& x, int64_t dim) {
  const Tape::Span span("glu", Option{"dim", dim});
  check_floating("glu", x);
  require<ShapeError>(x.dim() > 0, "glu", "it needs one whose size is even",
                      "a tensor without dimensions has no halves");
  const int d = normalize_dim("glu", dim, x.shape());
  const int64_t half = x.shape()[d] / 2;
  require<ShapeError>(2 * half == x.shape()[d], "glu", "its size must be even", "dimension ", d,
                      " of ", x.shape(), " has no two halves");
  return mul(narrow(x, d, 0, half), sigmoid(narrow(x, d, half, half)));
}

}  // namespace gradus

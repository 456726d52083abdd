// Activation functions.
#include <cmath>
#include <numbers>

#include "apply.h"

namespace gradus {

using namespace ops;
using kernels::Binary;
using kernels::Unary;

namespace {

/// 0 where y <= 0, else g: also where y is NaN.
Tensor relu_gradient(const Tensor& g, const Tensor& y) {
  return record("relu_gradient", inputs(g, y),
                compute("relu_gradient", Binary::relu_gradient, g, y), saved(y),
                [](const TensorList& s, const Tensor& u, const Wanted& wanted) -> TensorList {
                  return {wanted[0] ? relu_gradient(u, s[0]) : Tensor(), Tensor()};
                });
}

}  // namespace

Tensor relu(const Tensor& x) {
  const Tensor y = compute("relu", Unary::relu, x);
  return record("relu", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {relu_gradient(g, s[0])};
                });
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return record("leaky_relu", inputs(x),
                compute_floating("leaky_relu", Unary::leaky_relu, x, negative_slope), saved(x),
                negative_slope,
                [](const TensorList& s, double slope, const Tensor& g,
                   const Wanted&) -> TensorList { return {where(gt(s[0], 0), g, mul(g, slope))}; });
}

Tensor elu(const Tensor& x, double alpha) {
  return record("elu", inputs(x), compute_floating("elu", Unary::elu, x, alpha), saved(x), alpha,
                [](const TensorList& s, double a, const Tensor& g, const Wanted&) -> TensorList {
                  const Tensor slope = mul(exp(minimum(s[0], 0)), a);
                  return {where(gt(s[0], 0), g, mul(g, slope))};
                });
}

namespace {

/// x, bounded where smooth activations have been lines for long: so infinities have the slopes of
/// the tails, and squares stay numbers.
Tensor to_tails(const Tensor& x) {
  return clamp(x, -1000, 1000);
}

/// d/dx of x Phi(x): Phi(x) + x phi(x).
Tensor gelu_exact_slope(const Tensor& v) {
  const Tensor x = to_tails(v);
  const Tensor cdf = mul(add(erf(mul(x, std::numbers::sqrt2 / 2)), 1), 0.5);
  const Tensor density =
      mul(exp(mul(square(x), -0.5)), std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  return add(cdf, mul(x, density));
}

/// d/dx of x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3).
Tensor gelu_tanh_slope(const Tensor& v) {
  const Tensor x = to_tails(v);
  const double c = std::sqrt(2 / std::numbers::pi);
  const Tensor x2 = square(x);
  const Tensor t = tanh(mul(mul(x, add(mul(x2, 0.044715), 1)), c));
  const Tensor du = mul(add(mul(x2, 3 * 0.044715), 1), c);
  return mul(add(add(t, 1), mul(x, mul(sub(1, square(t)), du))), 0.5);
}

}  // namespace

Tensor gelu(const Tensor& x, Gelu form) {
  const Unary f = form == Gelu::exact ? Unary::gelu : Unary::gelu_tanh;
  return record(
      "gelu", inputs(x), compute_floating("gelu", f, x), saved(x), form,
      [](const TensorList& s, Gelu which, const Tensor& g, const Wanted&) -> TensorList {
        return {mul(g, which == Gelu::exact ? gelu_exact_slope(s[0]) : gelu_tanh_slope(s[0]))};
      });
}

Tensor silu(const Tensor& x) {
  return record("silu", inputs(x), compute_floating("silu", Unary::silu, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  const Tensor u = to_tails(s[0]), p = sigmoid(u);
                  return {mul(g, mul(p, add(mul(u, sub(1, p)), 1)))};
                });
}

Tensor softplus(const Tensor& x, double beta, double threshold) {
  struct Constants {
    double beta, threshold;
  };
  return record("softplus", inputs(x),
                compute_floating("softplus", Unary::softplus, x, beta, threshold), saved(x),
                Constants{beta, threshold},
                [](const TensorList& s, Constants c, const Tensor& g, const Wanted&) -> TensorList {
                  const Tensor scaled = mul(s[0], c.beta);
                  return {where(gt(scaled, c.threshold), g, mul(g, sigmoid(scaled)))};
                });
}

Tensor log_sigmoid(const Tensor& x) {
  return record("log_sigmoid", inputs(x), compute_floating("log_sigmoid", Unary::log_sigmoid, x),
                saved(x), [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, sigmoid(neg(s[0])))};
                });
}

// --- With a kink where clamp has one, and gradient 0 on it ---

Tensor hardtanh(const Tensor& x, double min_val, double max_val) {
  if (!(min_val < max_val)) {
    throw ValueError("hardtanh",
                     str("min_val must be less than max_val, got ", min_val, " and ", max_val),
                     "swap them, or use clamp() for one bound");
  }
  struct Bounds {
    double low, high;
  };
  return record("hardtanh", inputs(x),
                compute_floating("hardtanh", Unary::clamp, x, min_val, max_val), saved(x),
                Bounds{min_val, max_val},
                [](const TensorList& s, Bounds b, const Tensor& g, const Wanted&) -> TensorList {
                  return {masked_fill(g, logical_or(le(s[0], b.low), ge(s[0], b.high)), 0)};
                });
}

Tensor relu6(const Tensor& x) {
  return hardtanh(x, 0, 6);
}

Tensor hardsigmoid(const Tensor& x) {
  return div(relu6(add(x, 3)), 6);
}

namespace {

/// d/dx hardswish(x): 0 below -3, 1 above 3, x / 3 + 1/2 between; finite for any x.
Tensor hardswish_slope(const Tensor& x) {
  const Tensor inner = add(div(clamp(x, -3, 3), 3), 0.5);
  return masked_fill(masked_fill(inner, lt(x, -3), 0), gt(x, 3), 1);
}

}  // namespace

Tensor hardswish(const Tensor& x) {
  check_floating("hardswish", x);
  const Tensor v = x.detach();
  return record("hardswish", inputs(x), mul_or_zero(v, div(clamp(add(v, 3), 0, 6), 6)), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, hardswish_slope(s[0]))};
                });
}

// --- Composed ---

Tensor prelu(const Tensor& x, const Tensor& weight) {
  constexpr const char* op = "prelu";
  check_floating(op, x);
  check_same_dtype(op, x, weight);
  check_dim(op, "a weight", weight, 1, "[C]");
  const int64_t channels = x.dim() > 1 ? x.shape()[1] : 1;
  if (weight.numel() != 1 && weight.numel() != channels) {
    throw ShapeError(op,
                     str("expected a weight [1] or [", channels, "], got ", weight.shape(),
                         " for input ", x.shape()),
                     "channels are dimension 1 of the input");
  }
  Shape shape = Shape::filled(x.dim(), 1);
  if (x.dim() > 1) shape[1] = weight.numel();
  const Tensor positive = gt(x, 0);
  // The mask inside keeps infinities of the positive side out of the weight's gradient.
  return where(positive, x, mul_or_zero(masked_fill(x, positive, 0), reshape(weight, shape)));
}

Tensor selu(const Tensor& x) {
  constexpr double alpha = 1.6732632423543772848170429916717;
  constexpr double scale = 1.0507009873554804934193349852946;
  return mul(elu(x, alpha), scale);
}

Tensor celu(const Tensor& x, double alpha) {
  check_floating("celu", x);
  if (alpha == 0 || std::isnan(alpha)) {
    throw ValueError("celu", str("alpha must be a number other than 0, got ", alpha), "1 is usual");
  }
  const Tensor positive = gt(x, 0);
  const Tensor negative_side = div(masked_fill(x, positive, 0), alpha);
  return where(positive, x, mul(expm1(negative_side), alpha));
}

Tensor mish(const Tensor& x) {
  check_floating("mish", x);
  const Tensor v = x.detach();
  return record("mish", inputs(x), mul_or_zero(v, tanh(softplus(v))), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  const Tensor u = to_tails(s[0]), t = tanh(softplus(u));
                  const Tensor bend = mul(mul(u, sigmoid(u)), sub(1, square(t)));
                  return {mul(g, add(t, bend))};
                });
}

Tensor softsign(const Tensor& x) {
  const Tensor bounded = clamp(x, -1e30, 1e30);  // inf / inf is no number
  return div(bounded, add(abs(bounded), 1));
}

Tensor tanhshrink(const Tensor& x) {
  return sub(x, tanh(x));
}

Tensor hardshrink(const Tensor& x, double lambda) {
  check_floating("hardshrink", x);
  return masked_fill(x, le(abs(x.detach()), lambda), 0);
}

Tensor softshrink(const Tensor& x, double lambda) {
  check_floating("softshrink", x);
  if (!(lambda >= 0)) {
    throw ValueError("softshrink", str("lambda must not be negative, got ", lambda),
                     "0.5 is usual");
  }
  return sub(x, clamp(x, -lambda, lambda));
}

Tensor threshold(const Tensor& x, double threshold, double value) {
  return masked_fill(x, le(x, threshold), value);
}

Tensor glu(const Tensor& x, int64_t dim) {
  check_floating("glu", x);
  if (x.dim() == 0) {
    throw ShapeError("glu", "a tensor without dimensions has no halves",
                     "it needs one whose size is even");
  }
  const int d = normalize_dim("glu", dim, x.shape());
  const int64_t half = x.shape()[d] / 2;
  if (2 * half != x.shape()[d]) {
    throw ShapeError("glu", str("dimension ", d, " of ", x.shape(), " has no two halves"),
                     "its size must be even");
  }
  return mul(narrow(x, d, 0, half), sigmoid(narrow(x, d, half, half)));
}

}  // namespace gradus

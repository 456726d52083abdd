// Elementwise functions of one tensor.
#include "apply.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace gradus {

using namespace ops;
using kernels::Unary;

Tensor neg(const Tensor& x) {
  return record(
      "neg", inputs(x), compute("neg", Unary::neg, x), saved(),
      [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList { return {neg(g)}; });
}

Tensor abs(const Tensor& x) {
  return record("abs", inputs(x), compute("abs", Unary::abs, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul_or_zero(g, sign(s[0]))};
                });
}

Tensor sign(const Tensor& x) {
  return record("sign", inputs(x), compute("sign", Unary::sign, x), saved(),
                [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList {
                  return {zeros_like(g)};
                });
}

Tensor floor(const Tensor& x) {
  return record("floor", inputs(x), compute_floating("floor", Unary::floor, x), saved(),
                [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList {
                  return {zeros_like(g)};
                });
}

Tensor ceil(const Tensor& x) {
  return record("ceil", inputs(x), compute_floating("ceil", Unary::ceil, x), saved(),
                [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList {
                  return {zeros_like(g)};
                });
}

Tensor round(const Tensor& x) {
  return record("round", inputs(x), compute_floating("round", Unary::round, x), saved(),
                [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList {
                  return {zeros_like(g)};
                });
}

Tensor trunc(const Tensor& x) {
  return record("trunc", inputs(x), compute_floating("trunc", Unary::trunc, x), saved(),
                [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList {
                  return {zeros_like(g)};
                });
}

Tensor square(const Tensor& x) {
  return record("square", inputs(x), compute("square", Unary::square, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, mul(s[0], 2))};
                });
}

Tensor sqrt(const Tensor& x) {
  const Tensor y = compute_floating("sqrt", Unary::sqrt, x);
  return record("sqrt", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {div(g, mul(s[0], 2))};
                });
}

Tensor rsqrt(const Tensor& x) {
  const Tensor y = compute_floating("rsqrt", Unary::rsqrt, x);
  return record("rsqrt", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, mul(mul(square(s[0]), s[0]), -0.5))};
                });
}

Tensor reciprocal(const Tensor& x) {
  const Tensor y = compute_floating("reciprocal", Unary::reciprocal, x);
  return record("reciprocal", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {neg(mul(g, square(s[0])))};
                });
}

Tensor exp(const Tensor& x) {
  const Tensor y = compute_floating("exp", Unary::exp, x);
  return record("exp", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, s[0])};
                });
}

Tensor exp2(const Tensor& x) {
  const Tensor y = compute_floating("exp2", Unary::exp2, x);
  return record("exp2", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, mul(s[0], std::numbers::ln2))};
                });
}

Tensor expm1(const Tensor& x) {
  const Tensor y = compute_floating("expm1", Unary::expm1, x);
  return record("expm1", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, add(s[0], 1))};
                });
}

Tensor log(const Tensor& x) {
  return record("log", inputs(x), compute_floating("log", Unary::log, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {div(g, s[0])};
                });
}

Tensor log2(const Tensor& x) {
  return record("log2", inputs(x), compute_floating("log2", Unary::log2, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {div(g, mul(s[0], std::numbers::ln2))};
                });
}

Tensor log1p(const Tensor& x) {
  return record("log1p", inputs(x), compute_floating("log1p", Unary::log1p, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {div(g, add(s[0], 1))};
                });
}

Tensor sin(const Tensor& x) {
  return record("sin", inputs(x), compute_floating("sin", Unary::sin, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, cos(s[0]))};
                });
}

Tensor cos(const Tensor& x) {
  return record("cos", inputs(x), compute_floating("cos", Unary::cos, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {neg(mul(g, sin(s[0])))};
                });
}

Tensor tan(const Tensor& x) {
  const Tensor y = compute_floating("tan", Unary::tan, x);
  return record("tan", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, add(square(s[0]), 1))};
                });
}

Tensor asin(const Tensor& x) {
  return record("asin", inputs(x), compute_floating("asin", Unary::asin, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, rsqrt(sub(1, square(s[0]))))};
                });
}

Tensor acos(const Tensor& x) {
  return record("acos", inputs(x), compute_floating("acos", Unary::acos, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {neg(mul(g, rsqrt(sub(1, square(s[0])))))};
                });
}

Tensor atan(const Tensor& x) {
  return record("atan", inputs(x), compute_floating("atan", Unary::atan, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {div(g, add(square(s[0]), 1))};
                });
}

Tensor sinh(const Tensor& x) {
  return record("sinh", inputs(x), compute_floating("sinh", Unary::sinh, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, cosh(s[0]))};
                });
}

Tensor cosh(const Tensor& x) {
  return record("cosh", inputs(x), compute_floating("cosh", Unary::cosh, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, sinh(s[0]))};
                });
}

Tensor tanh(const Tensor& x) {
  const Tensor y = compute_floating("tanh", Unary::tanh, x);
  return record("tanh", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, sub(1, square(s[0])))};
                });
}

Tensor sigmoid(const Tensor& x) {
  const Tensor y = compute_floating("sigmoid", Unary::sigmoid, x);
  return record("sigmoid", inputs(x), y, saved(y),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  return {mul(g, mul(s[0], sub(1, s[0])))};
                });
}

Tensor erf(const Tensor& x) {
  return record("erf", inputs(x), compute_floating("erf", Unary::erf, x), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  const Tensor u = clamp(s[0], -30, 30);  // beyond, the slope is 0
                  return {mul(g, mul(exp(neg(square(u))), 2 * std::numbers::inv_sqrtpi))};
                });
}

Tensor clamp(const Tensor& x, std::optional<double> lo, std::optional<double> hi) {
  if (!lo && !hi) {
    throw ValueError("clamp", "neither a lower nor an upper bound is given", "give at least one");
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double low = lo.value_or(-infinity), high = hi.value_or(infinity);
  if (std::isnan(low) || std::isnan(high)) {
    throw ValueError("clamp", "a bound is NaN", "leave the bound out, or give infinity");
  }
  if (!is_floating(x.dtype())) {  // infinity has no integer counterpart: bound each side alone
    Tensor y = x;
    if (lo) y = maximum(y, *lo);
    return hi ? minimum(y, *hi) : y;
  }
  struct Bounds {
    double low, high;
  };
  return record("clamp", inputs(x), compute_floating("clamp", Unary::clamp, x, low, high), saved(x),
                Bounds{low, high},
                [](const TensorList& s, Bounds b, const Tensor& g, const Wanted&) -> TensorList {
                  const Tensor inside = logical_and(ge(s[0], b.low), le(s[0], b.high));
                  return {mul_or_zero(g, indicator(inside, g))};
                });
}

}  // namespace gradus

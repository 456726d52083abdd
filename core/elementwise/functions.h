// Elementwise functions of one tensor. Part of ops.h, which states the conventions.
#pragma once

#include <optional>

#include "../tensor.h"

namespace gradus {

Tensor neg(const Tensor& x);         ///< -x
Tensor abs(const Tensor& x);         ///< |x|
Tensor sign(const Tensor& x);        ///< -1, 0 or 1; gradient 0
Tensor floor(const Tensor& x);       ///< rounded down; gradient 0
Tensor ceil(const Tensor& x);        ///< rounded up; gradient 0
Tensor round(const Tensor& x);       ///< to the nearest integer, halves to even; gradient 0
Tensor trunc(const Tensor& x);       ///< rounded towards 0; gradient 0
Tensor square(const Tensor& x);      ///< x^2
Tensor sqrt(const Tensor& x);        ///< NaN for x < 0; the gradient at 0 is infinite
Tensor rsqrt(const Tensor& x);       ///< 1 / sqrt(x)
Tensor reciprocal(const Tensor& x);  ///< 1 / x
Tensor exp(const Tensor& x);         ///< e^x
Tensor exp2(const Tensor& x);        ///< 2^x
Tensor expm1(const Tensor& x);       ///< exp(x) - 1, exact near 0
Tensor log(const Tensor& x);         ///< to base e
Tensor log2(const Tensor& x);        ///< to base 2
Tensor log1p(const Tensor& x);       ///< log(1 + x), exact near 0
Tensor sin(const Tensor& x);         ///< x in radians
Tensor cos(const Tensor& x);         ///< x in radians
Tensor tan(const Tensor& x);         ///< x in radians
Tensor asin(const Tensor& x);        ///< in [-pi/2, pi/2]; NaN outside [-1, 1]
Tensor acos(const Tensor& x);        ///< in [0, pi]; NaN outside [-1, 1]
Tensor atan(const Tensor& x);        ///< in (-pi/2, pi/2)
Tensor sinh(const Tensor& x);        ///< (exp(x) - exp(-x)) / 2
Tensor cosh(const Tensor& x);        ///< (exp(x) + exp(-x)) / 2
Tensor tanh(const Tensor& x);        ///< sinh(x) / cosh(x), in [-1, 1]
Tensor sigmoid(const Tensor& x);     ///< 1 / (1 + exp(-x)), in [0, 1]
Tensor erf(const Tensor& x);         ///< 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x
/// min(max(x, lo), hi). Throws ValueError if neither bound is given or a bound is NaN.
Tensor clamp(const Tensor& x, std::optional<double> lo, std::optional<double> hi);

}  // namespace gradus

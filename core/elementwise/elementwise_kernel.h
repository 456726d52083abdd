// Elementwise maps over strided operands. Outputs may be strided too; no operand overlaps another
// unless it is the same memory with the same strides.
#pragma once

#include <cstdint>

#include "../simd/isa.h"
#include "../simd/strided.h"

namespace gradus::kernels {

/// Functions of one number; p and q are their constants.
enum class Unary {
  neg,
  abs,
  sign,
  square,
  relu,  // any number
  floor,
  ceil,
  round,  ///< halves to even
  trunc,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  exp2,
  expm1,
  log,
  log2,
  log1p,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  sigmoid,
  erf,         // floating
  clamp,       ///< between p and q; NaN stays
  leaky_relu,  ///< x or p x
  elu,         ///< x or p (exp(x) - 1)
  gelu,
  gelu_tanh,
  silu,
  log_sigmoid,
  softplus,  ///< log(1 + exp(p x)) / p; x if p x > q
};

enum class Binary {
  add,
  sub,
  mul,
  div,
  pow,
  remainder,  ///< with the sign of b; integers: b is not 0
  maximum,
  minimum,        ///< NaN wins
  relu_gradient,  ///< 0 if b <= 0, else a
  mul_or_zero,    ///< 0 if b is 0, else a b
};

enum class Comparison { eq, ne, lt, le, gt, ge };

template <class T>
struct Elementwise {
  void (*unary)(Unary f, const Loop<2>& loop, T* out, const T* x, double p, double q);
  void (*binary)(Binary f, const Loop<3>& loop, T* out, const T* a, const T* b);
  void (*compare)(Comparison f, const Loop<3>& loop, bool* out, const T* a, const T* b);
  /// out = condition ? a : b
  void (*where)(const Loop<4>& loop, T* out, const bool* condition, const T* a, const T* b);
  /// out += alpha * x
  void (*axpy)(const Loop<2>& loop, T* out, const T* x, double alpha);
  bool (*all_finite)(const Loop<1>& loop, const T* x);
};

}  // namespace gradus::kernels

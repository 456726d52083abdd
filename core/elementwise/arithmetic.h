// Elementwise arithmetic. Arguments broadcast. Integers wrap around at the ends of their range, in
// sums and products of elements, too. Part of ops.h, which states the conventions.
#pragma once

#include "../tensor.h"

namespace gradus {

/// Either argument may be a number, which takes the type of the other. Throws DTypeError for a
/// fraction and an integer type, ValueError for a number that the type cannot hold and for two
/// numbers.
/// @{
Tensor add(const Operand& a, const Operand& b);  ///< a + b
Tensor sub(const Operand& a, const Operand& b);  ///< a - b
Tensor mul(const Operand& a, const Operand& b);  ///< a b, element by element
/// Floating-point tensors only.
Tensor div(const Operand& a, const Operand& b);
/// a to the power b. The gradient for b where a is 0 is 0. ValueError for a negative power of
/// integers.
Tensor pow(const Operand& a, const Operand& b);
/// a - b floor(a / b), which has the sign of b. Throws ValueError for integers divided by 0.
Tensor remainder(const Operand& a, const Operand& b);
Tensor maximum(const Operand& a, const Operand& b);  ///< the larger of each pair; NaN if one is NaN
Tensor minimum(const Operand& a, const Operand& b);  ///< the smaller of each pair; likewise
/// @}
/// a where `condition` (bool) is true, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x with `value` where `mask` (bool) is true.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);

}  // namespace gradus

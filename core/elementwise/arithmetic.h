// Elementwise arithmetic. Arguments broadcast. Integers wrap around at the ends of their range, in
// sums and products of elements, too. Part of ops.h, which states the conventions.
#pragma once

#include "../tensor.h"

namespace gradus {

Tensor add(const Tensor& a, const Tensor& b);  ///< a + b
Tensor sub(const Tensor& a, const Tensor& b);  ///< a - b
Tensor mul(const Tensor& a, const Tensor& b);  ///< a b, element by element
/// Floating-point tensors only.
Tensor div(const Tensor& a, const Tensor& b);
/// a to the power b. The gradient for b where a is 0 is 0. ValueError for a negative power of
/// integers.
Tensor pow(const Tensor& a, const Tensor& b);
/// a - b floor(a / b), which has the sign of b. Throws ValueError for integers divided by 0.
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, const Tensor& b);  ///< the larger of each pair; NaN if one is NaN
Tensor minimum(const Tensor& a, const Tensor& b);  ///< the smaller of each pair; NaN if one is NaN
/// a where `condition` (bool) is true, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x with `value` where `mask` (bool) is true.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);

/// With a number, which takes the tensor's type. Throws DTypeError for a fraction and an integer
/// type, ValueError for a number that the type cannot hold.
/// @{
Tensor add(const Tensor& a, double b);
Tensor sub(const Tensor& a, double b);
Tensor sub(double a, const Tensor& b);
Tensor mul(const Tensor& a, double b);
Tensor div(const Tensor& a, double b);
Tensor div(double a, const Tensor& b);
Tensor pow(const Tensor& a, double b);
Tensor pow(double a, const Tensor& b);
Tensor remainder(const Tensor& a, double b);
Tensor maximum(const Tensor& a, double b);
Tensor minimum(const Tensor& a, double b);
/// @}

}  // namespace gradus

// Elementwise comparison and logic. Arguments broadcast, results are bool and have no gradient.
// Part of ops.h, which states the conventions.
#pragma once

#include "../tensor.h"

namespace gradus {

/// Equal, not equal, less than, less or equal, greater than, greater or equal. NaN is equal to
/// nothing, and neither less nor greater. Either argument may be a number, as in arithmetic.
/// @{
Tensor eq(const Operand& a, const Operand& b);
Tensor ne(const Operand& a, const Operand& b);
Tensor lt(const Operand& a, const Operand& b);
Tensor le(const Operand& a, const Operand& b);
Tensor gt(const Operand& a, const Operand& b);
Tensor ge(const Operand& a, const Operand& b);
/// @}
Tensor isnan(const Tensor& x);     ///< true where an element is NaN
Tensor isinf(const Tensor& x);     ///< true where it is infinite
Tensor isfinite(const Tensor& x);  ///< true where it is neither NaN nor infinite
/// Bool tensors only.
/// @{
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
/// @}
/// Tolerances of isclose and allclose. Throws ValueError for negative numbers and NaN.
struct Tolerance {
  double rtol = 1e-5;      ///< relative to |b|
  double atol = 1e-8;      ///< absolute
  bool equal_nan = false;  ///< NaN is close to NaN
};
/// |a - b| <= atol + rtol |b|, or equal (infinities); computed in float64. allclose: for every
/// element.
/// @{
Tensor isclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance = {});
bool allclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance = {});
/// @}
/// True if every element is finite. Floating-point tensors.
bool all_finite(const Tensor& x);

}  // namespace gradus

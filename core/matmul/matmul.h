// Matrix products. Part of ops.h, which states the conventions.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "../tensor.h"

namespace gradus {

/// 1-d and 2-d arguments multiply as vectors and matrices; more dimensions are batches of matrices
/// that broadcast against each other, [..., n, k] and [..., k, m] to [..., n, m].
Tensor matmul(const Tensor& a, const Tensor& b);
/// x [..., in] times weight [out, in] transposed, plus bias [out] (may be undefined).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

Tensor dot(const Tensor& a, const Tensor& b);    ///< [n], [n] to []
Tensor outer(const Tensor& a, const Tensor& b);  ///< [n], [m] to [n, m]
Tensor bmm(const Tensor& a, const Tensor& b);    ///< [b, n, k], [b, k, m] to [b, n, m]
/// Einstein summation, "bij,bjk->bik": letters name dimensions, and what is not named after the
/// arrow is summed over. A letter twice in one term takes the diagonal, "..." stands for any
/// dimensions, which broadcast, and without an arrow the result has what appears once, in
/// alphabetical order. Pairs are contracted from left to right.
/// @{
Tensor einsum(std::string_view equation, std::span<const Tensor> operands);
Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands);
/// @}

}  // namespace gradus

// Reductions. Part of ops.h, which states the conventions.
//
// `dims` lists the dimensions to reduce; an empty list means all. `keepdim` leaves them with size
// 1. Sums and products of integers and bools are int64.
#pragma once

#include <optional>

#include "../tensor.h"

namespace gradus {

/// The sum; 0 if there are no elements.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The arithmetic mean of floating-point elements; NaN if there are none.
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Variance with divisor M - correction: 1 for the sample, 0 for the population; `stddev` is its
/// square root (torch.std: in C++ `std` is a namespace).
/// @{
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor stddev(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
/// @}
/// The product of all elements, or along `dim`; 1 if there are none. The gradient is correct at
/// zeros too.
/// @{
Tensor prod(const Tensor& x);
Tensor prod(const Tensor& x, int64_t dim, bool keepdim = false);
/// @}
/// log of the sum of exp(x), without overflow.
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);
/// The largest and the smallest element. Throws ShapeError if there is none.
/// @{
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// @}
/// (sum of |x|^ord)^(1 / ord), by default the Euclidean norm, as torch.linalg.vector_norm. ord may
/// be any number, 0 (the number of nonzero elements) or +-infinity (the largest or smallest
/// magnitude). For a negative ord it is 0 if an element is 0, and ShapeError is thrown if there is
/// none.
Tensor norm(const Tensor& x, const Dims& dims = {}, double ord = 2, bool keepdim = false);
/// Element i along `dim` is the sum of elements 0 to i.
Tensor cumsum(const Tensor& x, int64_t dim);

/// Elements, and their indices.
struct ValuesIndices {
  Tensor values;   ///< of the argument's type; differentiable
  Tensor indices;  ///< int64, of the same shape
};
/// The largest (smallest) element along `dim`, and the first index at which it appears. NaN counts
/// as largest (smallest). Throws ShapeError if there is none. Without `dim`: of all elements, [].
/// @{
ValuesIndices max(const Tensor& x, int64_t dim, bool keepdim = false);
ValuesIndices min(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// @}
/// int64 indices, along `dim` or in the flattened tensor. No gradient.
/// @{
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
/// @}

/// Of bool tensors; without elements, `all` is true and `any` false.
/// @{
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// @}

/// exp(x) divided by its sum along `dim`, without overflow.
Tensor softmax(const Tensor& x, int64_t dim);
/// log(softmax(x)), exact where the softmax is 0 or 1 in floating point.
Tensor log_softmax(const Tensor& x, int64_t dim);
Tensor softmin(const Tensor& x, int64_t dim);  ///< softmax(-x)

}  // namespace gradus

// Diagonals of matrices. Part of ops.h, which states the conventions.
#pragma once

#include "../tensor.h"

namespace gradus {

/// The elements with column - row = offset of the matrices in two dimensions, as the last
/// dimension.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);
/// A matrix with this diagonal, or the diagonal of a matrix.
Tensor diag(const Tensor& x, int64_t offset = 0);
Tensor trace(const Tensor& x);  ///< the sum of the diagonal of a matrix

}  // namespace gradus

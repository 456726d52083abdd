// Linear algebra through LAPACK. Part of ops.h, which states the conventions.
//
// All take a matrix or a batch of them, [..., n, n], in float32 or float64, and give the same bits
// on any number of threads. They throw ShapeError for matrices that do not fit, and ValueError for
// NaN and infinities, which LAPACK does not expect.
#pragma once

#include "../tensor.h"

namespace gradus {

/// A = vectors diag(values) vectors^T.
struct Eigh {
  Tensor values;   ///< [..., n], ascending
  Tensor vectors;  ///< [..., n, n]: column k belongs to values[k], and has length 1
};
/// Eigenvalues and eigenvectors of a symmetric matrix (torch.linalg.eigh). The largest component of
/// each vector is positive. Takes the symmetric part (A + A^T) / 2, and throws ValueError if A is
/// not symmetric up to rounding.
///
/// Eigenvectors have a gradient only if all eigenvalues differ: its computation throws ValueError
/// if two are equal up to rounding. The gradient of the eigenvalues alone always exists; for equal
/// ones it is that of a function that treats them alike, as their sum.
Eigh eigh(const Tensor& a);

/// A = u diag(s) vh.
struct Svd {
  Tensor u;   ///< [..., m, k] for A [..., m, n], with k the smaller of m and n
  Tensor s;   ///< [..., k], descending
  Tensor vh;  ///< [..., k, n]
};
/// Singular values and vectors (torch.linalg.svd with full_matrices=False). The largest component
/// of each column of u is positive.
///
/// Singular vectors have a gradient only if all singular values differ and none is 0, else its
/// computation throws ValueError; the values alone always have one.
Svd svd(const Tensor& a);

/// X with A X = B: a [..., n, n], b [..., n, k] or [..., n], with equal batch dimensions. Throws
/// ValueError if A is singular.
Tensor solve(const Tensor& a, const Tensor& b);

}  // namespace gradus

// Decompositions of matrices by LAPACK, each on one thread.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// Of `count` contiguous row-major matrices, one after the other; T is float or double. All throw
/// ValueError if a matrix has no result, and Error if the library has no LAPACK.
///
/// The largest component of each vector is made positive: the columns of U for the second.
template <class T>
struct Lapack {
  /// Symmetric a [n, n] to [1 + n, n]: eigenvalues, and the matrix with eigenvectors as columns.
  static void eigh(int64_t count, int64_t n, const T* a, T* values_and_vectors);
  /// a [m, n] = U diag(S) V^T to [m + 1 + n, k]: U, S and V, for the smaller k of m and n.
  static void svd(int64_t count, int64_t m, int64_t n, const T* a, T* usv);
  /// x [n, k] with a x = b, for a [n, n] and b [n, k].
  static void solve(int64_t count, int64_t n, int64_t k, const T* a, const T* b, T* x);
};

}  // namespace gradus::kernels

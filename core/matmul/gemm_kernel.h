// Matrix products.
#pragma once

#include <cstdint>

#include "../simd/isa.h"

namespace gradus::kernels {

/// C = op(A) op(B) + beta C in row-major order, where op(A) is [m, k], op(B) is [k, n] and C
/// is [m, n]; op transposes if its flag is set. `lda`, `ldb` and `ldc` are the distances between
/// rows in memory, before any transposition. With beta = 0 the old contents of C are not read. T is
/// float or double.
template <class T>
struct MatrixProduct {
  bool transpose_a, transpose_b;
  int64_t m, n, k;
  const T* a;
  int64_t lda;
  const T* b;
  int64_t ldb;
  T beta;
  T* c;
  int64_t ldc;
};

/// Computes the product.
///
/// The bits of an element of C depend only on its row of op(A) and its column of op(B): not on m or
/// n, on its position in C, or on the memory layout of the operands. So a sample, as a row of A,
/// gives the same result in every batch.
///
/// Runs in the calling thread; meant to be called from parallel_for.
template <class T>
void gemm(const MatrixProduct<T>& p);

/// The same on all threads: C is cut into bands of rows or columns, whichever there are more of.
/// Their number depends only on the sizes, so that the result has the same bits on any number of
/// threads.
template <class T>
void gemm_in_bands(const MatrixProduct<T>& p);

/// What is behind gemm().
template <class T>
struct PackedGemm {
  /// No size is 0. Every element is a sum over k in order, in runs of the same length whatever m
  /// and n are.
  void (*multiply)(const MatrixProduct<T>& p);
};
template <class T>
inline constexpr bool has_plain<PackedGemm<T>> = true;  // matmul_plain.cpp

}  // namespace gradus::kernels

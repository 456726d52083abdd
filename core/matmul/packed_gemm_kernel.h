// The matrix product behind gemm().
#pragma once

#include <cstdint>

#include "../simd/isa.h"

namespace gradus::kernels {

template <class T>
struct PackedGemm {
  /// C = alpha op(A) op(B) + beta C; arguments as for gemm(), no size 0. Every element is a sum
  /// over k in order, in runs of the same length whatever m and n are.
  void (*multiply)(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha,
                   const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);
};
template <class T>
inline constexpr bool has_plain<PackedGemm<T>> = true;  // matmul_plain.cpp

}  // namespace gradus::kernels

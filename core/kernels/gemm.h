// Matrix products on OpenBLAS. This family is the only one that knows BLAS.
#pragma once

#include <cstdint>
#include <string>

namespace gradus::kernels {

/// C = alpha op(A) op(B) + beta C in row-major order, where op(A) is [m, k], op(B) is [k, n] and C
/// is [m, n]; op transposes where the flag says so. `lda`, `ldb` and `ldc` are the distances
/// between rows in memory, before any transposition. With beta = 0 the old contents of C are not
/// read.
///
/// Runs in the calling thread; made to be called from parallel_for. T is float or double. Throws
/// ShapeError where a size does not fit into 32 bits.
template <class T>
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

/// The same on all threads: C is cut into bands whose number depends on the sizes alone, so that
/// the result has the same bits on any number of threads.
template <class T>
void parallel_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha,
                   const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

/// Version, build options and processor type of the BLAS in use, for a program's first line.
std::string blas_description();

}  // namespace gradus::kernels

// OpenBLAS, on one thread.
#pragma once

#include <cstdint>
#include <string>

namespace gradus::kernels {

/// C = alpha op(A) op(B) + beta C for row-major matrices, as in gemm(). The first call loads the
/// library. Throws ShapeError for sizes beyond BLAS's integers, Error if it cannot be loaded.
void blas_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
               const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
               int64_t ldc);
void blas_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
               const double* a, int64_t lda, const double* b, int64_t ldb, double beta, double* c,
               int64_t ldc);

/// The function of this name, "dgesv_": OpenBLAS has LAPACK's as well. Null if there is none, or if
/// the library is linked. Afterwards this thread may call it: there is one thread, and room for its
/// buffer.
void* find_in_blas(const char* name);

/// Version, build options and processor type of the BLAS in use, for a program's first line.
std::string blas_description();

}  // namespace gradus::kernels

#include "gemm_kernel.h"

#include <algorithm>

#include "../base/parallel_for.h"
#include "blas_kernel.h"
#include "packed_gemm_kernel.h"

namespace gradus::kernels {

namespace {

/// C = beta C: a product over no terms.
template <class T>
void scale(int64_t m, int64_t n, T beta, T* c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = beta == 0 ? T(0) : beta * c[i * ldc + j];
  }
}

/// Rows or columns of one band: at most 16 bands, none thinner than what fills BLAS' inner kernels
/// or smaller than what a thread is worth waking for.
int64_t band_size(int64_t length, double flops) {
  constexpr int64_t most_bands = 16, thinnest = 32, granule = 16;
  constexpr double least_flops = 1e6;
  const double worth = std::min(flops / least_flops, static_cast<double>(most_bands));
  const int64_t bands = std::max<int64_t>(1, static_cast<int64_t>(worth));
  const int64_t size = std::max(thinnest, (length + bands - 1) / bands);
  return (size + granule - 1) / granule * granule;
}

/// Cuts C into bands of rows or columns, whichever there are more of, and has `gemm` compute them
/// in parallel.
template <class T, class Gemm>
void in_bands(const Gemm& gemm, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
              T alpha, const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c,
              int64_t ldc) {
  const double flops =
      2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const bool by_rows = m >= n;
  const int64_t length = by_rows ? m : n;
  const int64_t a_step = !by_rows ? 0 : transpose_a ? 1 : lda;
  const int64_t b_step = by_rows ? 0 : transpose_b ? ldb : 1;
  const int64_t c_step = by_rows ? ldc : 1;
  parallel_for(length, band_size(length, flops), [&](int64_t begin, int64_t end) {
    gemm(transpose_a, transpose_b, by_rows ? end - begin : m, by_rows ? n : end - begin, k, alpha,
         a + begin * a_step, lda, b + begin * b_step, ldb, beta, c + begin * c_step, ldc);
  });
}

}  // namespace

template <class T>
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale(m, n, beta, c, ldc);
  table<PackedGemm<T>>().multiply(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c,
                                  ldc);
}

template <class T>
void parallel_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha,
                   const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  in_bands(gemm<T>, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class T>
void weight_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha,
                 const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  // OpenBLAS as distributed does not know the latest processors and takes kernels for older ones.
  constexpr int64_t fewest_rows = 6;
  const bool is_better = isa() == Isa::plain || (isa() == Isa::avx512 && m >= fewest_rows);
  if (m == 0 || n == 0 || k == 0 || is_better) {
    return gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
  blas_gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class T>
void parallel_weight_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                          T alpha, const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c,
                          int64_t ldc) {
  in_bands(weight_gemm<T>, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template void gemm(bool, bool, int64_t, int64_t, int64_t, float, const float*, int64_t,
                   const float*, int64_t, float, float*, int64_t);
template void gemm(bool, bool, int64_t, int64_t, int64_t, double, const double*, int64_t,
                   const double*, int64_t, double, double*, int64_t);
template void parallel_gemm(bool, bool, int64_t, int64_t, int64_t, float, const float*, int64_t,
                            const float*, int64_t, float, float*, int64_t);
template void parallel_gemm(bool, bool, int64_t, int64_t, int64_t, double, const double*, int64_t,
                            const double*, int64_t, double, double*, int64_t);
template void weight_gemm(bool, bool, int64_t, int64_t, int64_t, float, const float*, int64_t,
                          const float*, int64_t, float, float*, int64_t);
template void weight_gemm(bool, bool, int64_t, int64_t, int64_t, double, const double*, int64_t,
                          const double*, int64_t, double, double*, int64_t);
template void parallel_weight_gemm(bool, bool, int64_t, int64_t, int64_t, float, const float*,
                                   int64_t, const float*, int64_t, float, float*, int64_t);
template void parallel_weight_gemm(bool, bool, int64_t, int64_t, int64_t, double, const double*,
                                   int64_t, const double*, int64_t, double, double*, int64_t);

}  // namespace gradus::kernels

#include "gemm_kernel.h"

#include <algorithm>

#include "../base/parallel_for.h"
#include "blas_kernel.h"
#include "packed_gemm_kernel.h"

namespace gradus::kernels {

namespace {

/// C = beta C: a product over no terms.
template <class T>
void scale(const MatrixProduct<T>& p) {
  for (int64_t i = 0; i < p.m; ++i) {
    T* const row = p.c + i * p.ldc;
    for (int64_t j = 0; j < p.n; ++j) row[j] = p.beta == 0 ? T(0) : p.beta * row[j];
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

}  // namespace

template <class T>
void gemm(const MatrixProduct<T>& p) {
  if (p.m == 0 || p.n == 0) return;
  p.k == 0 ? scale(p) : table<PackedGemm<T>>().multiply(p);
}

template <class T>
void weight_gemm(const MatrixProduct<T>& p) {
  // OpenBLAS as distributed does not know the latest processors and takes kernels for older ones.
  constexpr int64_t fewest_rows = 6;
  const bool is_better = isa() == Isa::plain || (isa() == Isa::avx512 && p.m >= fewest_rows);
  p.m == 0 || p.n == 0 || p.k == 0 || is_better ? gemm(p) : blas_gemm(p);
}

template <class T>
void in_bands(void (*product)(const MatrixProduct<T>&), const MatrixProduct<T>& p) {
  const double flops =
      2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const bool by_rows = p.m >= p.n;
  const int64_t length = by_rows ? p.m : p.n;
  parallel_for(length, band_size(length, flops), [&](int64_t begin, int64_t end) {
    MatrixProduct<T> band = p;
    (by_rows ? band.m : band.n) = end - begin;
    if (by_rows) band.a += begin * (p.transpose_a ? 1 : p.lda);
    if (!by_rows) band.b += begin * (p.transpose_b ? p.ldb : 1);
    band.c += begin * (by_rows ? p.ldc : 1);
    product(band);
  });
}

template void gemm(const MatrixProduct<float>&);
template void gemm(const MatrixProduct<double>&);
template void weight_gemm(const MatrixProduct<float>&);
template void weight_gemm(const MatrixProduct<double>&);
template void in_bands(void (*)(const MatrixProduct<float>&), const MatrixProduct<float>&);
template void in_bands(void (*)(const MatrixProduct<double>&), const MatrixProduct<double>&);

}  // namespace gradus::kernels

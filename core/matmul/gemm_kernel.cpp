#include "gemm_kernel.h"

#include <algorithm>

#include "../base/parallel_for.h"

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

/// Rows or columns of one band: at most 16 bands, none thinner than what fills panels or smaller
/// than what a thread is worth waking for: a million operations, or numbers that take as long to
/// read.
template <class T>
int64_t band_size(const MatrixProduct<T>& p, int64_t length) {
  constexpr double most_bands = 16, least_flops = 1e6, least_numbers = 1 << 15;
  constexpr int64_t granule = 16;
  const int64_t thinnest = p.m < granule ? 64 : 32;  // few rows need many columns
  const auto m = static_cast<double>(p.m), n = static_cast<double>(p.n),
             k = static_cast<double>(p.k);
  const double worth = std::max(2 * m * n * k / least_flops, (m * k + k * n) / least_numbers);
  const auto bands = static_cast<int64_t>(std::clamp(worth, 1.0, most_bands));
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
void gemm_in_bands(const MatrixProduct<T>& p) {
  const bool by_rows = p.m >= p.n;
  const int64_t length = by_rows ? p.m : p.n;
  parallel_for(length, band_size(p, length), [&](int64_t begin, int64_t end) {
    MatrixProduct<T> band = p;
    (by_rows ? band.m : band.n) = end - begin;
    if (by_rows) band.a += begin * (p.transpose_a ? 1 : p.lda);
    if (!by_rows) band.b += begin * (p.transpose_b ? p.ldb : 1);
    band.c += begin * (by_rows ? p.ldc : 1);
    gemm(band);
  });
}

template void gemm(const MatrixProduct<float>&);
template void gemm(const MatrixProduct<double>&);
template void gemm_in_bands(const MatrixProduct<float>&);
template void gemm_in_bands(const MatrixProduct<double>&);

}  // namespace gradus::kernels

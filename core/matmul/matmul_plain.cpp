// The matrix product as its definition says: three loops.
#include "../base/denormals.h"
#include "../simd/kernels_of.h"
#include "gemm_kernel.h"

namespace gradus::kernels {

namespace {

/// C[i][j] = sum over l of op(A)[i][l] op(B)[l][j], plus beta C[i][j].
template <class T>
void multiply(const MatrixProduct<T>& p) {
  const DenormalScope denormals;
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < p.k; ++l) {
        const T from_a = p.transpose_a ? p.a[l * p.lda + i] : p.a[i * p.lda + l];
        const T from_b = p.transpose_b ? p.b[j * p.ldb + l] : p.b[l * p.ldb + j];
        sum += static_cast<double>(from_a) * static_cast<double>(from_b);
      }
      T& c = p.c[i * p.ldc + j];
      const T before = p.beta == 0 ? T(0) : p.beta * c;  // beta 0: C may be anything
      c = static_cast<T>(sum) + before;
    }
  }
}

template <class T>
constexpr PackedGemm<T> kernels_of<PackedGemm<T>> = {multiply<T>};

}  // namespace

template const PackedGemm<float>& Tables<Isa::plain>::get();
template const PackedGemm<double>& Tables<Isa::plain>::get();

}  // namespace gradus::kernels

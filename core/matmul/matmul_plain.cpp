// The matrix product as its definition says: three loops.
#include "../base/denormals.h"
#include "../simd/kernels_of.h"
#include "packed_gemm_kernel.h"

namespace gradus::kernels {

namespace {

/// C[i][j] = alpha sum over l of op(A)[i][l] op(B)[l][j], plus beta C[i][j].
template <class T>
void multiply(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha,
              const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  const DenormalScope denormals;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < k; ++l) {
        const T from_a = transpose_a ? a[l * lda + i] : a[i * lda + l];
        const T from_b = transpose_b ? b[j * ldb + l] : b[l * ldb + j];
        sum += static_cast<double>(from_a) * static_cast<double>(from_b);
      }
      const T before = beta == 0 ? T(0) : beta * c[i * ldc + j];  // beta 0: C may be anything
      c[i * ldc + j] = static_cast<T>(static_cast<double>(alpha) * sum) + before;
    }
  }
}

template <class T>
constexpr PackedGemm<T> kernels_of<PackedGemm<T>> = {multiply<T>};

}  // namespace

template const PackedGemm<float>& Tables<Isa::plain>::get();
template const PackedGemm<double>& Tables<Isa::plain>::get();

}  // namespace gradus::kernels

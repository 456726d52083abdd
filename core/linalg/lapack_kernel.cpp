// LAPACK is Fortran: matrices lie in memory column by column, so each sees the transpose of ours.
#include "lapack_kernel.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "../base/error.h"
#include "../base/parallel_for.h"
#include "../matmul/blas_kernel.h"

namespace gradus::kernels {

namespace {

// The last arguments are the lengths of the strings, which Fortran passes.
template <class T>
using Syevd = void(const char* jobz, const char* uplo, const blasint* n, T* a, const blasint* lda,
                   T* w, T* work, const blasint* lwork, blasint* iwork, const blasint* liwork,
                   blasint* info, size_t, size_t);
template <class T>
using Gesdd = void(const char* jobz, const blasint* m, const blasint* n, T* a, const blasint* lda,
                   T* s, T* u, const blasint* ldu, T* vt, const blasint* ldvt, T* work,
                   const blasint* lwork, blasint* iwork, blasint* info, size_t);
template <class T>
using Gesv = void(const blasint* n, const blasint* nrhs, T* a, const blasint* lda, blasint* ipiv,
                  T* b, const blasint* ldb, blasint* info);

template <class T>
struct Functions {
  Syevd<T>* syevd;  // eigenvalues and eigenvectors of a symmetric matrix
  Gesdd<T>* gesdd;  // singular values and vectors
  Gesv<T>* gesv;    // a system of equations
};

// functions<T>() gives them to the calling thread, which is prepared to call them.
#ifdef GRADUS_OPENBLAS_NAME

template <class Function>
void find(const std::string& name, Function*& function) {
  function = reinterpret_cast<Function*>(find_in_blas(name.c_str()));
  require<Error>(function != nullptr, "lapack", "install an OpenBLAS that was built with LAPACK",
                 GRADUS_OPENBLAS_NAME, " has no function ", name);
}

template <class T>
Functions<T> functions() {
  const std::string type = std::is_same_v<T, float> ? "s" : "d";
  Functions<T> f;
  find(type + "syevd_", f.syevd);
  find(type + "gesdd_", f.gesdd);
  find(type + "gesv_", f.gesv);
  return f;
}

#else

extern "C" {
Syevd<float> ssyevd_;
Syevd<double> dsyevd_;
Gesdd<float> sgesdd_;
Gesdd<double> dgesdd_;
Gesv<float> sgesv_;
Gesv<double> dgesv_;
}

template <class T>
Functions<T> functions() {
  find_in_blas("");
  if constexpr (std::is_same_v<T, float>) return {ssyevd_, sgesdd_, sgesv_};
  if constexpr (std::is_same_v<T, double>) return {dsyevd_, dgesdd_, dgesv_};
}

#endif

/// LAPACK counts in 32 bits.
blasint narrow(const char* op, int64_t size) {
  require<ShapeError>(size <= std::numeric_limits<blasint>::max(), op, "take smaller ones",
                      "matrices are too large: LAPACK cannot count to ", size);
  return static_cast<blasint>(size);
}

void check_converged(const char* op, blasint info) {
  require(info == 0, op, "scale the matrix", "LAPACK found no result (", info, ")");
}

template <class T>
void transpose(const T* from, int64_t rows, int64_t columns, T* to) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
  }
}

/// Changes the sign of column j of v [rows, k] if its largest component is negative. True if so.
template <class T>
bool make_positive(T* v, int64_t rows, int64_t k, int64_t j) {
  T largest = 0;
  for (int64_t i = 0; i < rows; ++i) {
    if (std::abs(v[i * k + j]) > std::abs(largest)) largest = v[i * k + j];
  }
  for (int64_t i = 0; largest < 0 && i < rows; ++i) v[i * k + j] = -v[i * k + j];
  return largest < 0;
}

}  // namespace

template <class T>
void Lapack<T>::eigh(int64_t count, int64_t n, const T* a, T* values_and_vectors) {
  const blasint order = narrow("eigh", n), lwork = narrow("eigh", 1 + 6 * n + 2 * n * n),
                liwork = narrow("eigh", 3 + 5 * n);
  parallel_for(count, 1, [&](int64_t i, int64_t) {
    T* const values = values_and_vectors + i * (1 + n) * n;
    T* const vectors = values + n;
    std::vector<T> by_row(a + i * n * n, a + (i + 1) * n * n), work(static_cast<size_t>(lwork));
    std::vector<blasint> iwork(static_cast<size_t>(liwork));
    blasint info = 0;
    functions<T>().syevd("V", "U", &order, by_row.data(), &order, values, work.data(), &lwork,
                         iwork.data(), &liwork, &info, 1, 1);
    check_converged("eigh", info);
    transpose(by_row.data(), n, n, vectors);
    for (int64_t j = 0; j < n; ++j) make_positive(vectors, n, n, j);
  });
}

template <class T>
void Lapack<T>::svd(int64_t count, int64_t m, int64_t n, const T* a, T* usv) {
  const int64_t k = std::min(m, n);
  narrow("svd", std::max(m * n, 4 * k * k + 7 * k));
  // It decomposes the transpose: V there is U here.
  const blasint rows = narrow("svd", n), columns = narrow("svd", m), rank = narrow("svd", k);
  parallel_for(count, 1, [&](int64_t i, int64_t) {
    T* const u = usv + i * (m + 1 + n) * k;
    T* const s = u + m * k;
    T* const v = s + k;
    std::vector<T> copy(a + i * m * n, a + (i + 1) * m * n), by_row(static_cast<size_t>(n * k)),
        work(1);
    std::vector<blasint> iwork(static_cast<size_t>(8 * k));
    blasint info = 0, lwork = -1;
    const auto run = [&] {
      functions<T>().gesdd("S", &rows, &columns, copy.data(), &rows, s, by_row.data(), &rows, u,
                           &rank, work.data(), &lwork, iwork.data(), &info, 1);
      check_converged("svd", info);
    };
    run();  // asks for the size of the workspace, which a float may have rounded
    lwork = narrow("svd", static_cast<int64_t>(1.01 * static_cast<double>(work[0])) + 1);
    work.resize(static_cast<size_t>(lwork));
    run();
    transpose(by_row.data(), k, n, v);
    for (int64_t j = 0; j < k; ++j) {
      if (!make_positive(u, m, k, j)) continue;
      for (int64_t row = 0; row < n; ++row) v[row * k + j] = -v[row * k + j];
    }
  });
}

template <class T>
void Lapack<T>::solve(int64_t count, int64_t n, int64_t k, const T* a, const T* b, T* x) {
  const blasint order = narrow("solve", n), columns = narrow("solve", k);
  narrow("solve", n * std::max(n, k));
  parallel_for(count, 1, [&](int64_t i, int64_t) {
    std::vector<T> matrix(static_cast<size_t>(n * n)), sides(static_cast<size_t>(n * k));
    transpose(a + i * n * n, n, n, matrix.data());
    transpose(b + i * n * k, n, k, sides.data());
    std::vector<blasint> pivots(static_cast<size_t>(n));
    blasint info = 0;
    functions<T>().gesv(&order, &columns, matrix.data(), &order, pivots.data(), sides.data(),
                        &order, &info);
    require(info == 0, "solve", "its rows depend on each other: there is no or no unique solution",
            "matrix ", i, " is singular");
    transpose(sides.data(), k, n, x + i * n * k);
  });
}

template struct Lapack<float>;
template struct Lapack<double>;

}  // namespace gradus::kernels

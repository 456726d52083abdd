// LAPACK is Fortran: matrices lie in memory column by column, so each sees the transpose of ours.
//
// OpenBLAS has it, and starts a thread for each processor as soon as it is loaded: before main(),
// if a program is linked with it, and before anything could tell it that one is wanted. These
// threads cost memory and the time of a start, and if address space is short they never end. So the
// library is not linked but loaded when it is first needed, by a thread that is confined to one
// processor meanwhile.
#include "lapack_kernel.h"

#include <cblas.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#ifdef GRADUS_OPENBLAS_NAME
#include <dlfcn.h>
#include <sched.h>
#endif

#include "../base/error.h"
#include "../base/parallel_for.h"

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

// open_library() makes OpenBLAS ready for use: on one thread, since all threads are parallel_for's,
// and a library with threads of its own would fight with them. functions_of() gives what it has.
#ifdef GRADUS_OPENBLAS_NAME

template <class Function>
void find(void* library, const std::string& name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name.c_str()));
  require<Error>(function != nullptr, "lapack",
                 "it must be an OpenBLAS that was built with LAPACK; LD_LIBRARY_PATH decides which "
                 "library of this name is found",
                 GRADUS_OPENBLAS_NAME, " has no function ", name);
}

/// By its name, as a program that is linked with it would find it; or else where it was when Gradus
/// was built. If the system does not allow to confine the thread, it stays as it is.
void* open_library() {
  const int here = sched_getcpu();
  cpu_set_t usual, one;
  CPU_ZERO(&one);
  if (here >= 0 && here < CPU_SETSIZE) CPU_SET(here, &one);
  const bool confined = sched_getaffinity(0, sizeof usual, &usual) == 0 &&
                        sched_setaffinity(0, sizeof one, &one) == 0;
  void* library = dlopen(GRADUS_OPENBLAS_NAME, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) library = dlopen(GRADUS_OPENBLAS_PATH, RTLD_LAZY | RTLD_LOCAL);
  if (confined) sched_setaffinity(0, sizeof usual, &usual);
  if (library == nullptr) {
    throw Error("lapack", str("cannot load ", GRADUS_OPENBLAS_NAME, ": ", dlerror()),
                "install OpenBLAS, or name its folder in LD_LIBRARY_PATH");
  }
  decltype(&openblas_set_num_threads) set_num_threads;
  find(library, "openblas_set_num_threads", set_num_threads);
  set_num_threads(1);
  return library;
}

template <class T>
Functions<T> functions_of(void* library) {
  const std::string type = std::is_same_v<T, float> ? "s" : "d";
  Functions<T> f;
  find(library, type + "syevd_", f.syevd);
  find(library, type + "gesdd_", f.gesdd);
  find(library, type + "gesv_", f.gesv);
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

void* open_library() {
  openblas_set_num_threads(1);
  return reinterpret_cast<void*>(&openblas_set_num_threads);  // anything but null
}

template <class T>
Functions<T> functions_of(void*) {
  if constexpr (std::is_same_v<T, float>) return {ssyevd_, sgesdd_, sgesv_};
  if constexpr (std::is_same_v<T, double>) return {dsyevd_, dgesdd_, dgesv_};
}

#endif

/// OpenBLAS takes a buffer for each thread that multiplies, and if there is no memory asks for
/// it forever. So each thread asks once before.
void check_room_for_buffer() {
  constexpr size_t buffer = size_t{128} << 20;
  thread_local bool has_room = false;
  if (has_room) return;
  void* const room =
      mmap(nullptr, buffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require<Error>(room != MAP_FAILED, "lapack", "raise the limit (ulimit -v), or use fewer threads",
                 "OpenBLAS needs ", buffer,
                 " bytes of addresses for each thread, and the system has no more");
  munmap(room, buffer);
  has_room = true;
}

/// Those of the library, for the calling thread. Opened without a lock, which the child of a fork
/// might find taken: threads that come together open the same one.
template <class T>
Functions<T> functions() {
  static std::atomic<void*> opened = nullptr;
  check_room_for_buffer();
  void* library = opened.load(std::memory_order_acquire);
  if (library == nullptr) opened.store(library = open_library(), std::memory_order_release);
  return functions_of<T>(library);
}

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

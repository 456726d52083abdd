#include "axis_kernel.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <type_traits>
#include <vector>

#include "../simd/parallel_rows.h"
#include "../simd/wrapping.h"

namespace gradus::kernels {

Runs::Runs(int dims, const int64_t* shape, const int64_t* out_strides, const int64_t* x_strides,
           int dim)
    : n(1), out_step(0), x_step(0) {
  int64_t others[max_loop_dims];
  std::copy_n(shape, dims, others);
  if (dims > 0) {
    others[dim] = 1;
    n = shape[dim];
    out_step = out_strides[dim];
    x_step = x_strides[dim];
  }
  loop = make_loop<2>(dims, others, {out_strides, x_strides});
}

namespace {

template <class T>
bool is_nan(T value) {
  return value != value;
}

/// A total order with NaN at its upper end.
template <class T>
bool less(T a, T b) {
  return a < b || (is_nan(b) && !is_nan(a));
}

/// Place of the first of n elements that no other one beats.
template <class T, class Beats>
int64_t first_best(const T* x, int64_t n, int64_t step, const Beats& beats) {
  int64_t best = 0;
  for (int64_t i = 1; i < n && !is_nan(x[best * step]); ++i) {
    const T value = x[i * step];
    if (beats(value, x[best * step]) || is_nan(value)) best = i;
  }
  return best;
}

/// Calls body(out, x) with the first elements of each run.
template <class Out, class Body>
void for_runs(const char* op, const Runs& runs, Out* out, DType dtype, const void* x,
              const Body& body) {
  const int64_t so = runs.loop.stride[0][0], sx = runs.loop.stride[1][0];
  dispatch_number(op, dtype, [&]<class T>() {
    using To = std::conditional_t<std::is_void_v<Out>, T, Out>;
    parallel_rows(
        runs.loop,
        [&](const int64_t* offset, int64_t length) {
          To* const o = static_cast<To*>(out) + offset[0];
          const T* const from = static_cast<const T*>(x) + offset[1];
          for (int64_t i = 0; i < length; ++i) body(o + i * so, from + i * sx);
        },
        std::max<int64_t>(runs.n, 1));
  });
}

}  // namespace

void argmax(const char* op, bool largest, const Runs& runs, int64_t* out, DType dtype,
            const void* x) {
  for_runs(op, runs, out, dtype, x, [=, &runs](int64_t* place, const auto* run) {
    *place = largest ? first_best(run, runs.n, runs.x_step, std::greater<>())
                     : first_best(run, runs.n, runs.x_step, std::less<>());
  });
}

void cumsum(const char* op, bool reverse, const Runs& runs, void* out, DType dtype, const void* x) {
  for_runs(op, runs, out, dtype, x, [=, &runs]<class T>(T* to, const T* run) {
    std::conditional_t<std::is_floating_point_v<T>, double, int64_t> total = 0;
    for (int64_t k = 0; k < runs.n; ++k) {
      const int64_t at = reverse ? runs.n - 1 - k : k;
      total = plus(total, static_cast<decltype(total)>(run[at * runs.x_step]));
      to[at * runs.out_step] = static_cast<T>(total);
    }
  });
}

void argsort(const char* op, bool descending, int64_t k, const Runs& runs, int64_t* out,
             DType dtype, const void* x) {
  for_runs(op, runs, out, dtype, x, [=, &runs](int64_t* to, const auto* run) {
    std::vector<int64_t> places(static_cast<size_t>(runs.n));
    std::iota(places.begin(), places.end(), int64_t{0});
    // The place decides between equal elements, which makes any sort a stable one.
    const auto before = [=, step = runs.x_step](int64_t i, int64_t j) {
      const auto a = run[i * step], b = run[j * step];
      if (descending ? less(b, a) : less(a, b)) return true;
      return !(descending ? less(a, b) : less(b, a)) && i < j;
    };
    if (k < runs.n) {
      std::partial_sort(places.begin(), places.begin() + k, places.end(), before);
    } else {
      std::sort(places.begin(), places.end(), before);
    }
    for (int64_t j = 0; j < k; ++j) to[j * runs.out_step] = places[static_cast<size_t>(j)];
  });
}

}  // namespace gradus::kernels

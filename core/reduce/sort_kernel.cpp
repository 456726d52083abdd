#include "sort_kernel.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "../simd/parallel_rows.h"

namespace gradus::kernels {

namespace {

/// A total order with NaN at its upper end.
template <class T>
bool less(T a, T b) {
  return a < b || (b != b && a == a);
}

/// Sorts the first k of `places`, which are those of the n elements of a run.
template <class Before>
void order(std::vector<int64_t>& places, int64_t k, const Before& before) {
  std::iota(places.begin(), places.end(), int64_t{0});
  if (k < static_cast<int64_t>(places.size())) {
    std::partial_sort(places.begin(), places.begin() + k, places.end(), before);
  } else {
    std::sort(places.begin(), places.end(), before);
  }
}

}  // namespace

template <class T>
void argsort(bool descending, const Loop<2>& loop, const SortAxis& axis, int64_t* out, const T* x) {
  const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
  parallel_rows(
      loop,
      [=](const int64_t* offset, int64_t length) {
        std::vector<int64_t> places(static_cast<size_t>(axis.n));
        for (int64_t i = 0; i < length; ++i) {
          const T* const run = x + offset[1] + i * sx;
          // The place decides between equal elements, which makes any sort a stable one.
          order(places, axis.k, [=](int64_t a, int64_t b) {
            const T va = run[a * axis.x_step], vb = run[b * axis.x_step];
            if (descending ? less(vb, va) : less(va, vb)) return true;
            return !(descending ? less(va, vb) : less(vb, va)) && a < b;
          });
          int64_t* const o = out + offset[0] + i * so;
          for (int64_t j = 0; j < axis.k; ++j)
            o[j * axis.out_step] = places[static_cast<size_t>(j)];
        }
      },
      std::max<int64_t>(axis.n, 1));
}

template void argsort(bool, const Loop<2>&, const SortAxis&, int64_t*, const float*);
template void argsort(bool, const Loop<2>&, const SortAxis&, int64_t*, const double*);
template void argsort(bool, const Loop<2>&, const SortAxis&, int64_t*, const int64_t*);
template void argsort(bool, const Loop<2>&, const SortAxis&, int64_t*, const int32_t*);
template void argsort(bool, const Loop<2>&, const SortAxis&, int64_t*, const uint8_t*);

}  // namespace gradus::kernels

#include "scan_kernel.h"

#include <algorithm>
#include <type_traits>

#include "../simd/parallel_rows.h"
#include "../simd/wrapping.h"

namespace gradus::kernels {

namespace {

template <class T>
bool is_nan(T value) {
  return value != value;
}

/// Place of the first element that no other one beats.
template <class T, class Beats>
int64_t first_best(const T* x, int64_t n, int64_t step, const Beats& beats) {
  int64_t best = 0;
  for (int64_t i = 1; i < n && !is_nan(x[best * step]); ++i) {
    const T value = x[i * step];
    if (beats(value, x[best * step]) || is_nan(value)) best = i;
  }
  return best;
}

}  // namespace

template <class T>
void arg_extreme(bool largest, const Loop<2>& loop, int64_t n, int64_t step, int64_t* out,
                 const T* x) {
  const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
  parallel_rows(
      loop,
      [=](const int64_t* offset, int64_t length) {
        for (int64_t i = 0; i < length; ++i) {
          const T* const run = x + offset[1] + i * sx;
          out[offset[0] + i * so] = largest
                                        ? first_best(run, n, step, [](T a, T b) { return a > b; })
                                        : first_best(run, n, step, [](T a, T b) { return a < b; });
        }
      },
      n);
}

template <class T>
void cumsum(bool reverse, const Loop<2>& loop, int64_t n, int64_t out_step, int64_t x_step, T* out,
            const T* x) {
  const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
  parallel_rows(
      loop,
      [=](const int64_t* offset, int64_t length) {
        for (int64_t i = 0; i < length; ++i) {
          T* const o = out + offset[0] + i * so;
          const T* const run = x + offset[1] + i * sx;
          using Total = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
          Total total = 0;
          for (int64_t k = 0; k < n; ++k) {
            const int64_t at = reverse ? n - 1 - k : k;
            total = plus(total, static_cast<Total>(run[at * x_step]));
            o[at * out_step] = static_cast<T>(total);
          }
        }
      },
      std::max<int64_t>(n, 1));
}

template void arg_extreme(bool, const Loop<2>&, int64_t, int64_t, int64_t*, const float*);
template void arg_extreme(bool, const Loop<2>&, int64_t, int64_t, int64_t*, const double*);
template void arg_extreme(bool, const Loop<2>&, int64_t, int64_t, int64_t*, const int64_t*);
template void arg_extreme(bool, const Loop<2>&, int64_t, int64_t, int64_t*, const int32_t*);
template void arg_extreme(bool, const Loop<2>&, int64_t, int64_t, int64_t*, const uint8_t*);

template void cumsum(bool, const Loop<2>&, int64_t, int64_t, int64_t, float*, const float*);
template void cumsum(bool, const Loop<2>&, int64_t, int64_t, int64_t, double*, const double*);
template void cumsum(bool, const Loop<2>&, int64_t, int64_t, int64_t, int64_t*, const int64_t*);
template void cumsum(bool, const Loop<2>&, int64_t, int64_t, int64_t, int32_t*, const int32_t*);
template void cumsum(bool, const Loop<2>&, int64_t, int64_t, int64_t, uint8_t*, const uint8_t*);

}  // namespace gradus::kernels

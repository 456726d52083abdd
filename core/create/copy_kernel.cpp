#include "copy_kernel.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "../simd/parallel_rows.h"

namespace gradus::kernels {

void copy(const Loop<2>& loop, DType dtype, void* out, const void* x) {
  dispatch_all("copy", dtype, [&]<class T>() {
    parallel_rows(loop, [&](const int64_t* offset, int64_t n) {
      T* o = static_cast<T*>(out) + offset[0];
      const T* a = static_cast<const T*>(x) + offset[1];
      const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
      if (so == 1 && sx == 1) {
        std::memcpy(o, a, static_cast<size_t>(n) * sizeof(T));
      } else {
        for (int64_t i = 0; i < n; ++i) o[i * so] = a[i * sx];
      }
    });
  });
}

namespace {

/// Whether a cast changes no more than to cut off a fraction.
template <class To, class From>
bool fits(From value) {
  if constexpr (!std::is_integral_v<To> || std::is_same_v<To, bool> || std::is_same_v<From, bool>) {
    return true;
  } else if constexpr (std::is_integral_v<From>) {
    return std::in_range<To>(value);
  } else {
    constexpr To half_range = std::numeric_limits<To>::max() / 2 + 1;
    constexpr double half = static_cast<double>(half_range);
    constexpr double least = static_cast<double>(std::numeric_limits<To>::min());
    const double whole = std::trunc(static_cast<double>(value));
    return whole >= least && whole < 2 * half;
  }
}

}  // namespace

bool convert(const Loop<2>& loop, DType to, void* out, DType from, const void* x) {
  std::atomic<bool> all_fit = true;
  dispatch_all("to", to, [&]<class To>() {
    dispatch_all("to", from, [&]<class From>() {
      parallel_rows(loop, [&](const int64_t* offset, int64_t n) {
        To* o = static_cast<To*>(out) + offset[0];
        const From* a = static_cast<const From*>(x) + offset[1];
        const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
        for (int64_t i = 0; i < n; ++i) {
          if constexpr (std::is_same_v<To, bool>) {
            o[i * so] = a[i * sx] != From(0);
          } else if (fits<To>(a[i * sx])) {
            o[i * so] = static_cast<To>(a[i * sx]);
          } else {
            all_fit.store(false, std::memory_order_relaxed);
          }
        }
      });
    });
  });
  return all_fit;
}

void fill(const Loop<1>& loop, DType dtype, void* out, double value) {
  dispatch_all("fill", dtype, [&]<class T>() {
    const T v = static_cast<T>(value);
    parallel_rows(loop, [&](const int64_t* offset, int64_t n) {
      T* o = static_cast<T*>(out) + offset[0];
      for (int64_t i = 0; i < n; ++i) o[i * loop.stride[0][0]] = v;
    });
  });
}

}  // namespace gradus::kernels

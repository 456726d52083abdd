// The definition of reductions and of softmax, as plain loops.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "../simd/kernels_of.h"
#include "../simd/parallel_rows.h"
#include "../simd/wrapping.h"
#include "reduce_kernel.h"
#include "softmax_kernel.h"

namespace gradus::kernels {

namespace {

template <class T>
using Total = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;

/// Calls fold(element) for the elements of x that are reduced to one result.
template <class T, class F>
void for_elements(const Loop<1>& reduced, const T* x, const F& fold) {
  for_rows(reduced, 0, reduced.rows(), [&](const int64_t* offset) {
    for (int64_t i = 0; i < reduced.size[0]; ++i) fold(x[offset[0] + i * reduced.stride[0][0]]);
  });
}

/// Calls write(result, first element) for each result.
template <class T, class F>
void for_results(const Loop<2>& kept, T* out, const T* x, const F& write) {
  parallel_rows(kept, [&](const int64_t* offset, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      write(out[offset[0] + i * kept.stride[0][0]], x + offset[1] + i * kept.stride[1][0]);
    }
  });
}

template <class T>
void sum(const Loop<2>& kept, const Loop<1>& reduced, double divisor, T* out, const T* x) {
  for_results(kept, out, x, [&](T& result, const T* elements) {
    Total<T> total = 0;
    for_elements(reduced, elements, [&](T v) { total = plus(total, static_cast<Total<T>>(v)); });
    if constexpr (std::is_floating_point_v<T>) total /= divisor;
    result = static_cast<T>(total);
  });
}

template <class T, bool root>
void squares(const Loop<2>& kept, const Loop<1>& reduced, double divisor, T* out, const T* x) {
  for_results(kept, out, x, [&](T& result, const T* elements) {
    double total = 0;
    for_elements(reduced, elements, [&](T v) { total += std::pow(static_cast<double>(v), 2); });
    result = static_cast<T>(root ? std::sqrt(total / divisor) : total / divisor);
  });
}

/// The first of the largest (smallest) elements; NaN wins.
template <class T, bool largest>
void extreme(const Loop<2>& kept, const Loop<1>& reduced, double, T* out, const T* x) {
  for_results(kept, out, x, [&](T& result, const T* elements) {
    result = *elements;
    for_elements(reduced, elements, [&](T v) {
      if ((largest ? v > result : v < result) || v != v) result = v;
    });
  });
}

template <class T>
constexpr Reduce<T> kernels_of<Reduce<T>> = {
    {sum<T>, nullptr, nullptr, extreme<T, true>, extreme<T, false>}};
template <class T>
requires std::is_floating_point_v<T>
constexpr Reduce<T> kernels_of<Reduce<T>> = {
    {sum<T>, squares<T, false>, squares<T, true>, extreme<T, true>, extreme<T, false>}};

/// exp(x - m) / s with m the maximum and s the sum of exp(x - m), or its logarithm, of n elements
/// `step` apart.
template <class T, bool is_log>
void softmax_of_run(int64_t n, int64_t step, T* out, const T* x) {
  T top = x[0];
  for (int64_t k = 1; k < n; ++k) top = std::max(top, x[k * step]);
  double sum = 0;
  for (int64_t k = 0; k < n; ++k) sum += std::exp(static_cast<double>(x[k * step] - top));
  for (int64_t k = 0; k < n; ++k) {
    const auto distance = static_cast<double>(x[k * step] - top);
    out[k * step] = static_cast<T>(is_log ? distance - std::log(sum) : std::exp(distance) / sum);
  }
}

template <class T, bool is_log>
void softmax(const Axis& axis, T* out, const T* x) {
  if (axis.n == 0) return;
  parallel_for(axis.outer * axis.inner, 1, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / axis.inner * axis.n * axis.inner + i % axis.inner;
      softmax_of_run<T, is_log>(axis.n, axis.inner, out + first, x + first);
    }
  });
}

/// y g - y sum(y g), or g - exp(y) sum(g).
template <class T, bool is_log>
void softmax_gradient(int64_t rows, int64_t n, T* dx, const T* g, const T* y) {
  parallel_each(rows, 1, [=](int64_t row) {
    double sum = 0;
    for (int64_t i = row * n; i < (row + 1) * n; ++i) {
      sum += static_cast<double>(is_log ? g[i] : g[i] * y[i]);
    }
    for (int64_t i = row * n; i < (row + 1) * n; ++i) {
      const T share = is_log ? std::exp(y[i]) : y[i], own = is_log ? g[i] : g[i] * y[i];
      dx[i] = sum == 0 ? own : own - share * static_cast<T>(sum);
    }
  });
}

template <class T>
constexpr Softmax<T> kernels_of<Softmax<T>> = {
    softmax<T, false>, softmax<T, true>, softmax_gradient<T, false>, softmax_gradient<T, true>};

}  // namespace

template const Reduce<float>& Tables<Isa::plain>::get();
template const Reduce<double>& Tables<Isa::plain>::get();
template const Reduce<int64_t>& Tables<Isa::plain>::get();
template const Reduce<int32_t>& Tables<Isa::plain>::get();
template const Reduce<uint8_t>& Tables<Isa::plain>::get();
template const Softmax<float>& Tables<Isa::plain>::get();
template const Softmax<double>& Tables<Isa::plain>::get();

}  // namespace gradus::kernels

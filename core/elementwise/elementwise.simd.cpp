// Compiled once per instruction set; see isa.h. Includes no header with inline functions that other
// files use, so that no code for one processor can be linked into another's path.
#include <atomic>
#include <type_traits>

#include "../simd/kernels_of.h"
#include "../simd/parallel_rows.h"
#include "elementwise_kernel.h"

namespace gradus::kernels {

namespace {

// --- Loops ---

template <class R, class T, class F>
void map1(const Loop<2>& loop, R* out, const T* x, F f) {
  const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
  parallel_rows(loop, [=](const int64_t* offset, int64_t n) {
    R* o = out + offset[0];
    const T* a = x + offset[1];
    if (so == 1 && sx == 1) {
      for (int64_t i = 0; i < n; ++i) o[i] = f(a[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) o[i * so] = f(a[i * sx]);
    }
  });
}

template <class R, class T, class F>
void map2(const Loop<3>& loop, R* out, const T* x, const T* y, F f) {
  const int64_t so = loop.stride[0][0], sx = loop.stride[1][0], sy = loop.stride[2][0];
  parallel_rows(loop, [=](const int64_t* offset, int64_t n) {
    R* o = out + offset[0];
    const T* a = x + offset[1];
    const T* b = y + offset[2];
    if (so == 1 && sx == 1 && sy == 1) {
      for (int64_t i = 0; i < n; ++i) o[i] = f(a[i], b[i]);
    } else if (so == 1 && sx == 1 && sy == 0) {
      const T b0 = *b;
      for (int64_t i = 0; i < n; ++i) o[i] = f(a[i], b0);
    } else if (so == 1 && sx == 0 && sy == 1) {
      const T a0 = *a;
      for (int64_t i = 0; i < n; ++i) o[i] = f(a0, b[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) o[i * so] = f(a[i * sx], b[i * sy]);
    }
  });
}

// --- Functions ---

template <class Row, class T>
constexpr bool is_defined = std::is_floating_point_v<T> || !Row::floating;

template <class Row, class T>
void unary(const Loop<2>& loop, T* out, const T* x, const double* constants) {
  using F = typename Row::Value;
  if constexpr (!is_defined<Row, T>) {
    return;
  } else if constexpr (std::is_invocable_v<F, T>) {
    map1(loop, out, x, F());
  } else if constexpr (std::is_invocable_v<F, T, T>) {
    const T p = static_cast<T>(constants[0]);
    map1(loop, out, x, [p](T v) { return F()(v, p); });
  } else {
    const T p = static_cast<T>(constants[0]), q = static_cast<T>(constants[1]);
    map1(loop, out, x, [p, q](T v) { return F()(v, p, q); });
  }
}

template <class Row, class R, class T>
void binary(const Loop<3>& loop, R* out, const T* a, const T* b) {
  if constexpr (is_defined<Row, T>) map2(loop, out, a, b, typename Row::Value());
}

/// Reads both and compares bytes, so that the loop is vectorized: no branch depends on a mask.
template <class T>
void where(const Loop<4>& loop, T* out, const uint8_t* condition, const T* x, const T* y) {
  const int64_t so = loop.stride[0][0], sc = loop.stride[1][0];
  const int64_t sx = loop.stride[2][0], sy = loop.stride[3][0];
  parallel_rows(loop, [=](const int64_t* offset, int64_t n) {
    T* o = out + offset[0];
    const uint8_t* c = condition + offset[1];
    const T* a = x + offset[2];
    const T* b = y + offset[3];
    const auto choose = [=](auto a_at, auto b_at) {
      for (int64_t i = 0; i < n; ++i) {
        const T first = a_at(i), second = b_at(i);
        o[i * so] = c[i * sc] != 0 ? first : second;
      }
    };
    const auto a_at = [=](int64_t i) { return a[i * sx]; };
    const auto b_at = [=](int64_t i) { return b[i * sy]; };
    if (sx == 0) {
      choose([first = *a](int64_t) { return first; }, b_at);
    } else if (sy == 0) {
      choose(a_at, [second = *b](int64_t) { return second; });
    } else {
      choose(a_at, b_at);
    }
  });
}

/// o + factor a; in one expression, so that it can be a single instruction.
template <class T>
T multiply_add(T o, T factor, T a) {
  if constexpr (std::is_floating_point_v<T>) return o + factor * a;
  return plus(o, times(factor, a));
}

template <class T>
void axpy(const Loop<2>& loop, T* out, const T* x, double alpha) {
  const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
  const T factor = static_cast<T>(alpha);
  parallel_rows(loop, [=](const int64_t* offset, int64_t n) {
    T* o = out + offset[0];
    const T* a = x + offset[1];
    if (so == 1 && sx == 1) {
      for (int64_t i = 0; i < n; ++i) o[i] = multiply_add(o[i], factor, a[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) o[i * so] = multiply_add(o[i * so], factor, a[i * sx]);
    }
  });
}

template <class T>
bool all_finite(const Loop<1>& loop, const T* x) {
  if constexpr (!std::is_floating_point_v<T>) return true;
  std::atomic<bool> finite = true;
  parallel_rows(loop, [&loop, &finite, x](const int64_t* offset, int64_t n) {
    const T* a = x + offset[0];
    T sum = 0;  // 0 * v is 0 for finite v and NaN for the others
    for (int64_t i = 0; i < n; ++i) sum += static_cast<T>(0 * a[i * loop.stride[0][0]]);
    if (sum != 0 || sum != sum) finite.store(false, std::memory_order_relaxed);
  });
  return finite;
}

template <class T, class... Unary, class... Binary, class... Comparison>
constexpr Elementwise<T> all_of(Functions<Unary...>, Functions<Binary...>,
                                Functions<Comparison...>) {
  return {{unary<Unary, T>...},
          {binary<Binary, T, T>...},
          {binary<Comparison, bool, T>...},
          where<T>,
          axpy<T>,
          all_finite<T>};
}
template <class T>
constexpr Elementwise<T> kernels_of<Elementwise<T>> = all_of<T>(unary_functions, binary_functions,
                                                                comparisons);

}  // namespace

template const Elementwise<float>& Tables<Isa::GRADUS_ISA>::get();
template const Elementwise<double>& Tables<Isa::GRADUS_ISA>::get();
template const Elementwise<int64_t>& Tables<Isa::GRADUS_ISA>::get();
template const Elementwise<int32_t>& Tables<Isa::GRADUS_ISA>::get();
template const Elementwise<uint8_t>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels

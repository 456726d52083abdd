// Compiled once per instruction set; see isa.h. Includes no header with inline functions that other
// files use, so that no code for one processor can be linked into another's path.
#include <atomic>
#include <cmath>
#include <type_traits>

#include "../simd/parallel_rows.h"
#include "../simd/wrapping.h"
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

template <class T>
T sigmoid(T x) {
  // Never exp of a large positive number, so that neither tail overflows.
  const T e = std::exp(x < 0 ? x : -x);
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/// x times a factor that is 0 in a tail: -inf has the limit 0.
template <class T>
T times_tail(T x, T factor) {
  return factor == 0 ? T(0) : x * factor;
}

template <class T>
T gelu_tanh(T x) {
  const T inner = T(0.79788456080286535588) * (x + T(0.044715) * x * x * x);
  return times_tail(T(0.5) * x, 1 + std::tanh(inner));
}

template <class T>
void unary_rounding(Unary f, const Loop<2>& loop, T* out, const T* x) {
  switch (f) {
    case Unary::floor:
      return map1(loop, out, x, [](T v) { return std::floor(v); });
    case Unary::ceil:
      return map1(loop, out, x, [](T v) { return std::ceil(v); });
    case Unary::round:
      return map1(loop, out, x, [](T v) { return std::nearbyint(v); });
    case Unary::trunc:
      return map1(loop, out, x, [](T v) { return std::trunc(v); });
    default:
      return;
  }
}

template <class T>
void unary_trigonometric(Unary f, const Loop<2>& loop, T* out, const T* x) {
  switch (f) {
    case Unary::sin:
      return map1(loop, out, x, [](T v) { return std::sin(v); });
    case Unary::cos:
      return map1(loop, out, x, [](T v) { return std::cos(v); });
    case Unary::tan:
      return map1(loop, out, x, [](T v) { return std::tan(v); });
    case Unary::asin:
      return map1(loop, out, x, [](T v) { return std::asin(v); });
    case Unary::acos:
      return map1(loop, out, x, [](T v) { return std::acos(v); });
    case Unary::atan:
      return map1(loop, out, x, [](T v) { return std::atan(v); });
    case Unary::sinh:
      return map1(loop, out, x, [](T v) { return std::sinh(v); });
    case Unary::cosh:
      return map1(loop, out, x, [](T v) { return std::cosh(v); });
    case Unary::tanh:
      return map1(loop, out, x, [](T v) { return std::tanh(v); });
    default:
      return unary_rounding(f, loop, out, x);
  }
}

template <class T>
void unary_floating(Unary f, const Loop<2>& loop, T* out, const T* x, double dp, double dq) {
  const T p = static_cast<T>(dp), q = static_cast<T>(dq);
  switch (f) {
    case Unary::sqrt:
      return map1(loop, out, x, [](T v) { return std::sqrt(v); });
    case Unary::rsqrt:
      return map1(loop, out, x, [](T v) { return 1 / std::sqrt(v); });
    case Unary::reciprocal:
      return map1(loop, out, x, [](T v) { return 1 / v; });
    case Unary::exp:
      return map1(loop, out, x, [](T v) { return std::exp(v); });
    case Unary::exp2:
      return map1(loop, out, x, [](T v) { return std::exp2(v); });
    case Unary::expm1:
      return map1(loop, out, x, [](T v) { return std::expm1(v); });
    case Unary::log:
      return map1(loop, out, x, [](T v) { return std::log(v); });
    case Unary::log2:
      return map1(loop, out, x, [](T v) { return std::log2(v); });
    case Unary::log1p:
      return map1(loop, out, x, [](T v) { return std::log1p(v); });
    case Unary::sigmoid:
      return map1(loop, out, x, [](T v) { return sigmoid(v); });
    case Unary::erf:
      return map1(loop, out, x, [](T v) { return std::erf(v); });
    case Unary::leaky_relu:
      if (p == 0) return map1(loop, out, x, [](T v) { return v < 0 ? T(0) : v; });
      return map1(loop, out, x, [p](T v) { return v > 0 ? v : p * v; });
    case Unary::elu:
      return map1(loop, out, x, [p](T v) { return v > 0 ? v : p * std::expm1(v); });
    case Unary::gelu:
      return map1(loop, out, x, [](T v) {
        return times_tail(T(0.5) * v, 1 + std::erf(v * T(0.70710678118654752440)));
      });
    case Unary::gelu_tanh:
      return map1(loop, out, x, [](T v) { return gelu_tanh(v); });
    case Unary::silu:
      return map1(loop, out, x, [](T v) { return times_tail(v, sigmoid(v)); });
    case Unary::log_sigmoid:
      return map1(loop, out, x,
                  [](T v) { return (v < 0 ? v : T(0)) - std::log1p(std::exp(v < 0 ? v : -v)); });
    case Unary::softplus:
      return map1(loop, out, x, [p, q](T v) {
        const T z = p * v;
        return z > q ? v : ((z > 0 ? z : T(0)) + std::log1p(std::exp(z > 0 ? -z : z))) / p;
      });
    default:
      return unary_trigonometric(f, loop, out, x);
  }
}

/// Rounded down, so that the rest has the sign of b.
template <class T>
T remainder(T a, T b) {
  T rest;
  if constexpr (std::is_floating_point_v<T>) {
    rest = std::fmod(a, b);
  } else {
    if (std::is_signed_v<T> && b == T(-1)) return 0;  // the smallest number / -1 overflows
    rest = static_cast<T>(a % b);
  }
  return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
}

template <class T>
void unary(Unary f, const Loop<2>& loop, T* out, const T* x, double p, double q) {
  switch (f) {
    case Unary::neg:
      return map1(loop, out, x, [](T v) { return negative(v); });
    case Unary::abs:
      return map1(loop, out, x, [](T v) { return v < 0 ? negative(v) : v; });
    case Unary::sign:
      return map1(loop, out, x, [](T v) { return static_cast<T>((v > 0) - (v < 0)); });
    case Unary::square:
      return map1(loop, out, x, [](T v) { return times(v, v); });
    case Unary::relu:
      return map1(loop, out, x, [](T v) { return v < 0 ? T(0) : v; });
    case Unary::clamp: {
      const T lo = static_cast<T>(p), hi = static_cast<T>(q);
      return map1(loop, out, x, [lo, hi](T v) {
        const T low = v < lo ? lo : v;
        return low > hi ? hi : low;
      });
    }
    default:
      if constexpr (std::is_floating_point_v<T>) unary_floating(f, loop, out, x, p, q);
  }
}

template <class T>
void binary(Binary f, const Loop<3>& loop, T* out, const T* a, const T* b) {
  switch (f) {
    case Binary::add:
      return map2(loop, out, a, b, [](T x, T y) { return plus(x, y); });
    case Binary::sub:
      return map2(loop, out, a, b, [](T x, T y) { return minus(x, y); });
    case Binary::mul:
      return map2(loop, out, a, b, [](T x, T y) { return times(x, y); });
    case Binary::maximum:
      return map2(loop, out, a, b, [](T x, T y) { return x > y || x != x ? x : y; });
    case Binary::minimum:
      return map2(loop, out, a, b, [](T x, T y) { return x < y || x != x ? x : y; });
    case Binary::remainder:
      return map2(loop, out, a, b, [](T x, T y) { return remainder(x, y); });
    case Binary::relu_gradient:
      return map2(loop, out, a, b, [](T g, T y) { return y <= 0 ? T(0) : g; });
    case Binary::mul_or_zero:
      return map2(loop, out, a, b, [](T x, T y) { return static_cast<T>(y == 0 ? T(0) : x * y); });
    case Binary::div:
      if constexpr (std::is_floating_point_v<T>) {
        return map2(loop, out, a, b, [](T x, T y) { return x / y; });
      }
      return;
    case Binary::pow:
      if constexpr (std::is_floating_point_v<T>) {
        return map2(loop, out, a, b, [](T x, T y) { return std::pow(x, y); });
      } else {
        return map2(loop, out, a, b, [](T x, T y) { return whole_power(x, y); });
      }
  }
}

template <class T>
void compare(Comparison f, const Loop<3>& loop, bool* out, const T* a, const T* b) {
  switch (f) {
    case Comparison::eq:
      return map2(loop, out, a, b, [](T x, T y) { return x == y; });
    case Comparison::ne:
      return map2(loop, out, a, b, [](T x, T y) { return x != y; });
    case Comparison::lt:
      return map2(loop, out, a, b, [](T x, T y) { return x < y; });
    case Comparison::le:
      return map2(loop, out, a, b, [](T x, T y) { return x <= y; });
    case Comparison::gt:
      return map2(loop, out, a, b, [](T x, T y) { return x > y; });
    case Comparison::ge:
      return map2(loop, out, a, b, [](T x, T y) { return x >= y; });
  }
}

template <class T>
void where(const Loop<4>& loop, T* out, const bool* condition, const T* x, const T* y) {
  parallel_rows(loop, [&loop, out, condition, x, y](const int64_t* offset, int64_t n) {
    T* o = out + offset[0];
    const bool* c = condition + offset[1];
    const T* a = x + offset[2];
    const T* b = y + offset[3];
    const int64_t so = loop.stride[0][0], sc = loop.stride[1][0];
    const int64_t sa = loop.stride[2][0], sb = loop.stride[3][0];
    for (int64_t i = 0; i < n; ++i) o[i * so] = c[i * sc] ? a[i * sa] : b[i * sb];
  });
}

/// o + factor a; in one expression where that can be one instruction.
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

template <class T>
constexpr Elementwise<T> elementwise_table = {unary<T>, binary<T>, compare<T>,
                                              where<T>, axpy<T>,   all_finite<T>};

}  // namespace

template <>
template <>
const Elementwise<float>& Tables<Isa::GRADUS_ISA>::get() {
  return elementwise_table<float>;
}
template <>
template <>
const Elementwise<double>& Tables<Isa::GRADUS_ISA>::get() {
  return elementwise_table<double>;
}
template <>
template <>
const Elementwise<int64_t>& Tables<Isa::GRADUS_ISA>::get() {
  return elementwise_table<int64_t>;
}
template <>
template <>
const Elementwise<int32_t>& Tables<Isa::GRADUS_ISA>::get() {
  return elementwise_table<int32_t>;
}
template <>
template <>
const Elementwise<uint8_t>& Tables<Isa::GRADUS_ISA>::get() {
  return elementwise_table<uint8_t>;
}

}  // namespace gradus::kernels

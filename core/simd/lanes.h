// Vectors of numbers with the operations of tensors (../ops.h), so that a formula written once
// works for both. For files that are compiled once per instruction set: everything is local to the
// file that includes it.
#pragma once

#include <cmath>

#include "simd.h"
#include "wrapping.h"

namespace gradus::kernels {

namespace {

/// The integer of T's size: comparisons give 0 or -1 of it.
template <class T>
using Index = std::conditional_t<
    sizeof(T) == 8, int64_t,
    std::conditional_t<sizeof(T) == 4, int32_t, std::conditional_t<sizeof(T) == 1, int8_t, void>>>;

template <class T>
struct Lanes;

/// Conditions, one for each element of a Lanes<T>.
template <class T>
struct Conditions {
  Vector<Index<T>> bits;

  friend Conditions operator&(Conditions a, Conditions b) { return {a.bits & b.bits}; }
  friend Conditions operator|(Conditions a, Conditions b) { return {a.bits | b.bits}; }
  friend Conditions operator~(Conditions a) { return {~a.bits}; }
  friend Lanes<T> where(Conditions c, Lanes<T> a, Lanes<T> b) { return c.bits ? a.v : b.v; }
};

/// A vector of numbers. A single number stands for a vector of equal ones. NaN is treated as by the
/// operations on tensors of the same names.
template <class T>
struct Lanes {
  Vector<T> v;

  Lanes(Vector<T> elements) : v(elements) {}
  Lanes(double number) : v(broadcast<Vector<T>>(static_cast<T>(number))) {}

  friend Lanes operator-(Lanes a) { return wrapped(-modular(a)); }
  friend Lanes operator+(Lanes a, Lanes b) { return wrapped(modular(a) + modular(b)); }
  friend Lanes operator-(Lanes a, Lanes b) { return wrapped(modular(a) - modular(b)); }
  friend Lanes operator*(Lanes a, Lanes b) { return wrapped(modular(a) * modular(b)); }
  friend Lanes operator/(Lanes a, Lanes b) { return a.v / b.v; }

  friend Conditions<T> operator==(Lanes a, Lanes b) { return {a.v == b.v}; }
  friend Conditions<T> operator<(Lanes a, Lanes b) { return {a.v < b.v}; }
  friend Conditions<T> operator>(Lanes a, Lanes b) { return {a.v > b.v}; }
  friend Conditions<T> operator<=(Lanes a, Lanes b) { return {a.v <= b.v}; }
  friend Conditions<T> operator>=(Lanes a, Lanes b) { return {a.v >= b.v}; }

  friend Lanes masked_fill(Lanes x, Conditions<T> c, Lanes number) { return where(c, number, x); }
  friend Lanes mul_or_zero(Lanes a, Lanes b) { return where(b == 0, 0, a * b); }
  friend Lanes minimum(Lanes a, Lanes b) { return where((a < b) | ~(a == a), a, b); }
  friend Lanes clamp(Lanes x, Lanes low, Lanes high) {
    const Lanes bounded = where(x < low, low, x);
    return where(bounded > high, high, bounded);
  }

  /// f of each element; compilers make one instruction of those that the processor has.
  template <class F>
  static Lanes each(Lanes x, F f) {
    for (int k = 0; k < width<T>; ++k) x.v[k] = f(x.v[k]);
    return x;
  }
  /// A function of the standard library, called for each element.
  template <T (*f)(T)>
  [[gnu::noinline]] static Lanes one_by_one(Lanes x) {
    return each(x, f);
  }

  friend Lanes floor(Lanes x) {
    return each(x, [](T a) { return std::floor(a); });
  }
  friend Lanes ceil(Lanes x) {
    return each(x, [](T a) { return std::ceil(a); });
  }
  friend Lanes round(Lanes x) {
    return each(x, [](T a) { return std::nearbyint(a); });
  }
  friend Lanes trunc(Lanes x) {
    return each(x, [](T a) { return std::trunc(a); });
  }
  friend Lanes sqrt(Lanes x) {
    return each(x, [](T a) { return std::sqrt(a); });
  }
  friend Lanes rsqrt(Lanes x) { return 1 / sqrt(x); }
  friend Lanes sin(Lanes x) { return one_by_one<std::sin>(x); }
  friend Lanes cos(Lanes x) { return one_by_one<std::cos>(x); }
  friend Lanes tan(Lanes x) { return one_by_one<std::tan>(x); }
  friend Lanes asin(Lanes x) { return one_by_one<std::asin>(x); }
  friend Lanes acos(Lanes x) { return one_by_one<std::acos>(x); }
  friend Lanes atan(Lanes x) { return one_by_one<std::atan>(x); }
  friend Lanes sinh(Lanes x) { return one_by_one<std::sinh>(x); }
  friend Lanes cosh(Lanes x) { return one_by_one<std::cosh>(x); }
  friend Lanes sign(Lanes x) { return where(x > 0, 1, where(x < 0, -Lanes(1), 0)); }
  friend Lanes square(Lanes x) { return x * x; }
  friend Lanes relu_gradient(Lanes g, Lanes y) { return where(y <= 0, 0, g); }

 private:
  /// Integers wrap around, see wrapping.h.
  /// @{
  using ModularVector =
      Vector<typename std::conditional_t<std::is_floating_point_v<T>, std::type_identity<T>,
                                         std::make_unsigned<Index<T>>>::type>;
  static ModularVector modular(Lanes x) { return reinterpret_cast<ModularVector>(x.v); }
  static Lanes wrapped(ModularVector x) { return reinterpret_cast<Vector<T>>(x); }
  /// @}
};

template <class T>
Lanes<T> abs(Lanes<T> x) {
  return where(x < 0, -x, x);
}

}  // namespace

}  // namespace gradus::kernels

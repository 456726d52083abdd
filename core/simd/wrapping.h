// Arithmetic of elements. Whole numbers wrap around, as everywhere in the field: signed overflow,
// which C++ leaves undefined, is done in unsigned numbers. Everything is local to the file that
// includes it, for those that are compiled once per instruction set.
#pragma once

#include <cstdint>
#include <type_traits>

namespace gradus::kernels {

namespace {

/// What T is computed in.
template <class T>
using Modular = std::conditional_t<std::is_floating_point_v<T>, T,
                                   std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>>;

template <class T>
T plus(T a, T b) {
  return static_cast<T>(static_cast<Modular<T>>(a) + static_cast<Modular<T>>(b));
}
template <class T>
T minus(T a, T b) {
  return static_cast<T>(static_cast<Modular<T>>(a) - static_cast<Modular<T>>(b));
}
template <class T>
T times(T a, T b) {
  return static_cast<T>(static_cast<Modular<T>>(a) * static_cast<Modular<T>>(b));
}
template <class T>
T negative(T a) {
  return static_cast<T>(-static_cast<Modular<T>>(a));
}

/// By squaring, for whole numbers and exponents from 0 up.
template <class T>
T whole_power(T base, T exponent) {
  T result = 1;
  for (auto left = static_cast<Modular<T>>(exponent); left != 0; left /= 2) {
    if (left % 2 != 0) result = times(result, base);
    base = times(base, base);
  }
  return result;
}

}  // namespace

}  // namespace gradus::kernels

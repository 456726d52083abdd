// Arithmetic of elements. Integers wrap around, as everywhere in the field: signed overflow is
// undefined in C++, so they are computed as unsigned. Everything is local to the file that includes
// it, for files that are compiled once per instruction set.
#pragma once

#include <cstdint>
#include <type_traits>

namespace gradus::kernels {

namespace {

/// The type in which T is computed.
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

/// By squaring, for integers and exponents from 0 up.
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

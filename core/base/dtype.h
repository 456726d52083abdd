// Element types, and the step from a run-time type to a compile-time one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <type_traits>
#include <utility>

#include "error.h"

namespace gradus {

/// Element type of a tensor. `boolean` is one byte, 0 or 1.
enum class DType : uint8_t { float32, float64, int64, int32, uint8, boolean };

/// The element types without their scope: `zeros({2}, float64)`.
/// @{
inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;
inline constexpr DType int64 = DType::int64;
inline constexpr DType int32 = DType::int32;
inline constexpr DType uint8 = DType::uint8;
inline constexpr DType boolean = DType::boolean;
/// @}

/// Bytes per element.
size_t size_of(DType dtype);
/// "float32", "int64", ..., "bool".
const char* name_of(DType dtype);
/// "an int64", "a float32", for messages.
std::string with_article(DType dtype);
/// "int32 goes from -2147483648 to 2147483647", for hints: the range of an integer type, or of
/// bool.
std::string range_text(DType dtype);
/// Writes name_of(dtype).
std::ostream& operator<<(std::ostream& out, DType dtype);

/// True for float32 and float64, the types that have gradients.
constexpr bool is_floating(DType dtype) {
  return dtype <= DType::float64;
}
/// True for the integer types int64, int32 and uint8; not for bool.
constexpr bool is_integral(DType dtype) {
  return dtype > DType::float64 && dtype != DType::boolean;
}

/// The DType that stores C++ type T.
template <class T>
struct dtype_of;
template <>
struct dtype_of<float> : std::integral_constant<DType, float32> {};
template <>
struct dtype_of<double> : std::integral_constant<DType, float64> {};
template <>
struct dtype_of<int64_t> : std::integral_constant<DType, int64> {};
template <>
struct dtype_of<int32_t> : std::integral_constant<DType, int32> {};
template <>
struct dtype_of<uint8_t> : std::integral_constant<DType, uint8> {};
template <>
struct dtype_of<bool> : std::integral_constant<DType, boolean> {};
/// The DType that stores C++ type T, as a value.
template <class T>
inline constexpr DType dtype_v = dtype_of<T>::value;

namespace detail {
/// Calls `f.operator()<T>()` with the one of these types that `dtype` stores; it must be there.
template <class T, class... Others, class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  if constexpr (sizeof...(Others) > 0) {
    if (dtype != dtype_v<T>) return dispatch<Others...>(dtype, std::forward<F>(f));
  }
  return std::forward<F>(f).template operator()<T>();
}
}  // namespace detail

/// Calls `f.operator()<T>()` with the C++ type of a floating-point dtype; throws DTypeError for
/// others.
template <class F>
decltype(auto) dispatch_floating(const char* op, DType dtype, F&& f) {
  require<DTypeError>(is_floating(dtype), op, "convert it with .to(float32)",
                      "needs a floating tensor (float32 or float64), got ", dtype);
  return detail::dispatch<float, double>(dtype, std::forward<F>(f));
}

/// Calls `f.operator()<T>()` with the C++ type of a numeric dtype; throws DTypeError for bool.
template <class F>
decltype(auto) dispatch_number(const char* op, DType dtype, F&& f) {
  require<DTypeError>(dtype != DType::boolean, op, "convert it with .to(float32) or .to(int64)",
                      "does not take bool tensors");
  return detail::dispatch<float, double, int64_t, int32_t, uint8_t>(dtype, std::forward<F>(f));
}

/// Calls `f.operator()<T>()` with the C++ type of any dtype.
template <class F>
decltype(auto) dispatch_all(const char* op, DType dtype, F&& f) {
  if (dtype == DType::boolean) return std::forward<F>(f).template operator()<bool>();
  return dispatch_number(op, dtype, std::forward<F>(f));
}

}  // namespace gradus

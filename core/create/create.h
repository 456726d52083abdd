// Creation, conversion and copies. Part of ops.h, which states the conventions.
#pragma once

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "../tensor.h"

namespace gradus {

Tensor zeros(const Shape& shape, DType dtype = float32);  ///< every element 0
Tensor ones(const Shape& shape, DType dtype = float32);   ///< every element 1
/// Every element `value`. As always when a number becomes an element: throws DTypeError for a
/// fraction in an integer type, ValueError for what the type cannot hold.
Tensor full(const Shape& shape, double value, DType dtype = float32);
Tensor zeros_like(const Tensor& x);               ///< zeros of x's shape and type
Tensor ones_like(const Tensor& x);                ///< ones of x's shape and type
Tensor full_like(const Tensor& x, double value);  ///< `value` in x's shape and type
/// Ones on the diagonal of a matrix, square unless `columns` is given.
Tensor eye(int64_t rows, std::optional<int64_t> columns = {}, DType dtype = float32);
/// `steps` equally spaced numbers from start to end, both included: floating-point, [steps].
Tensor linspace(double start, double end, int64_t steps, DType dtype = float32);
namespace detail {
Tensor arange(int64_t start, int64_t end, int64_t step, DType dtype);
Tensor arange(double start, double end, double step, DType dtype);
}  // namespace detail
/// What the bounds of arange may be: any built-in arithmetic type.
template <class T>
concept Number = std::integral<T> || std::floating_point<T>;
/// start, start + step, ... below `end` (above, for a negative step); from 0 if no start is given.
/// As in PyTorch, int64 if all arguments are of integer types, else float32, unless a type is
/// given. Throws ValueError for a step of 0, for fractions if an integer type is given, and for
/// numbers that the type cannot hold.
/// @{
template <Number Start, Number End, Number Step = int>
Tensor arange(Start start, End end, Step step = 1, std::optional<DType> dtype = {}) {
  constexpr bool whole = std::integral<Start> && std::integral<End> && std::integral<Step>;
  using T = std::conditional_t<whole, int64_t, double>;
  return detail::arange(static_cast<T>(start), static_cast<T>(end), static_cast<T>(step),
                        dtype.value_or(whole ? int64 : float32));
}
template <Number End>
Tensor arange(End end, std::optional<DType> dtype = {}) {
  return arange(End{0}, end, 1, dtype);
}
/// @}
/// A tensor with these elements in row-major order; shape [n] unless one is given. Throws
/// ShapeError if their number is not that of the shape.
/// @{
template <class T>
Tensor tensor(std::span<const T> values, const Shape& shape);
template <class T>
Tensor tensor(std::initializer_list<T> values) {
  return tensor(std::span<const T>(values.begin(), values.size()),
                Shape{static_cast<int64_t>(values.size())});
}
template <class T>
Tensor tensor(std::initializer_list<T> values, const Shape& shape) {
  return tensor(std::span<const T>(values.begin(), values.size()), shape);
}
template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape) {
  if constexpr (std::same_as<T, bool>) {  // whose elements are bits
    const auto bools = std::make_unique<bool[]>(values.size());
    std::copy(values.begin(), values.end(), bools.get());
    return tensor(std::span<const bool>(bools.get(), values.size()), shape);
  } else {
    return tensor(std::span<const T>(values), shape);
  }
}
template <class T>
Tensor tensor(const std::vector<T>& values) {
  return tensor(values, Shape{static_cast<int64_t>(values.size())});
}
/// @}
namespace detail {
/// Throws ShapeError unless both are equal.
void check_row_length(size_t length, size_t first);
}  // namespace detail
/// A matrix, row by row: tensor({{1.0F, 2.0F}, {3.0F, 4.0F}}). Throws ShapeError for rows of
/// different lengths.
template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> rows) {
  const size_t columns = rows.size() == 0 ? 0 : rows.begin()->size();
  std::vector<T> values;
  for (const std::initializer_list<T>& row : rows) {
    detail::check_row_length(row.size(), columns);
    values.insert(values.end(), row.begin(), row.end());
  }
  return tensor(values, Shape{static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns)});
}

/// The same values in another type. Integer types drop fractions, and throw ValueError for an
/// element that they cannot hold (NaN, out of range); to bool, all but 0 is true. Differentiable
/// between floating-point types.
Tensor to(const Tensor& x, DType dtype);
/// A copy in row-major order.
Tensor clone(const Tensor& x);
/// x itself if it is in row-major order, else a copy.
Tensor contiguous(const Tensor& x);

}  // namespace gradus

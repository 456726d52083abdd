// A vector that may be used in the expression that returns it.
#pragma once

#include <utility>
#include <vector>

namespace gradus::detail {

/// A std::vector whose elements, taken from a temporary, are values: the return type of functions
/// that create a list. `const Tensor& first = chunk(x, 2)[0];` would otherwise refer into a list
/// that no longer exists at the end of the line.
template <class T>
class List : public std::vector<T> {
 public:
  using Vector = std::vector<T>;
  using Vector::Vector;
  List() = default;
  List(Vector items) noexcept : Vector(std::move(items)) {}

  T& operator[](size_t i) & { return Vector::operator[](i); }
  const T& operator[](size_t i) const& { return Vector::operator[](i); }
  T operator[](size_t i) && { return std::move(Vector::operator[](i)); }
  T& at(size_t i) & { return Vector::at(i); }
  const T& at(size_t i) const& { return Vector::at(i); }
  T at(size_t i) && { return std::move(Vector::at(i)); }
  T& front() & { return Vector::front(); }
  const T& front() const& { return Vector::front(); }
  T front() && { return std::move(Vector::front()); }
  T& back() & { return Vector::back(); }
  const T& back() const& { return Vector::back(); }
  T back() && { return std::move(Vector::back()); }
};

}  // namespace gradus::detail

// Operators of tensors, for the class itself: friends that are found by their arguments alone.
#pragma once

namespace gradus::detail {

/// The operators of T, which is Tensor: add, sub, mul, div and neg; comparisons, of which `a == b`
/// is a tensor of bools, not a condition for an `if`; and logical_and, logical_or and logical_not.
template <class T>
struct Operators {
  friend T operator-(const T& x) { return neg(x); }
  friend T operator+(const T& a, const T& b) { return add(a, b); }
  friend T operator+(const T& a, double b) { return add(a, b); }
  friend T operator+(double a, const T& b) { return add(b, a); }
  friend T operator-(const T& a, const T& b) { return sub(a, b); }
  friend T operator-(const T& a, double b) { return sub(a, b); }
  friend T operator-(double a, const T& b) { return sub(a, b); }
  friend T operator*(const T& a, const T& b) { return mul(a, b); }
  friend T operator*(const T& a, double b) { return mul(a, b); }
  friend T operator*(double a, const T& b) { return mul(b, a); }
  friend T operator/(const T& a, const T& b) { return div(a, b); }
  friend T operator/(const T& a, double b) { return div(a, b); }
  friend T operator/(double a, const T& b) { return div(a, b); }

  friend T operator==(const T& a, const T& b) { return eq(a, b); }
  friend T operator==(const T& a, double b) { return eq(a, b); }
  friend T operator==(double a, const T& b) { return eq(b, a); }
  friend T operator!=(const T& a, const T& b) { return ne(a, b); }
  friend T operator!=(const T& a, double b) { return ne(a, b); }
  friend T operator!=(double a, const T& b) { return ne(b, a); }
  friend T operator<(const T& a, const T& b) { return lt(a, b); }
  friend T operator<(const T& a, double b) { return lt(a, b); }
  friend T operator<(double a, const T& b) { return gt(b, a); }
  friend T operator<=(const T& a, const T& b) { return le(a, b); }
  friend T operator<=(const T& a, double b) { return le(a, b); }
  friend T operator<=(double a, const T& b) { return ge(b, a); }
  friend T operator>(const T& a, const T& b) { return gt(a, b); }
  friend T operator>(const T& a, double b) { return gt(a, b); }
  friend T operator>(double a, const T& b) { return lt(b, a); }
  friend T operator>=(const T& a, const T& b) { return ge(a, b); }
  friend T operator>=(const T& a, double b) { return ge(a, b); }
  friend T operator>=(double a, const T& b) { return le(b, a); }

  friend T operator&(const T& a, const T& b) { return logical_and(a, b); }
  friend T operator|(const T& a, const T& b) { return logical_or(a, b); }
  friend T operator~(const T& x) { return logical_not(x); }
};

}  // namespace gradus::detail

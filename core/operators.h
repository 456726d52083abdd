// Operators of tensors, for the class itself: friends that are found by their arguments alone.
#pragma once

namespace gradus::detail {

/// What an operation of two takes: a tensor, or a number, which becomes one of the other's type. T
/// is Tensor.
template <class T>
struct OperandOf {
  const T* tensor = nullptr;
  double number = 0;

  OperandOf(const T& t) : tensor(&t) {}
  OperandOf(double n) : number(n) {}
};

/// The operators of T, which is Tensor: add, sub, mul, div and neg; comparisons, of which `a == b`
/// is a tensor of bools, not a condition for an `if`; and logical_and, logical_or and logical_not.
template <class T, class Operand = OperandOf<T>>
struct Operators {
  friend T operator-(const T& x) { return neg(x); }
  friend T operator+(const Operand& a, const Operand& b) { return add(a, b); }
  friend T operator-(const Operand& a, const Operand& b) { return sub(a, b); }
  friend T operator*(const Operand& a, const Operand& b) { return mul(a, b); }
  friend T operator/(const Operand& a, const Operand& b) { return div(a, b); }

  friend T operator==(const Operand& a, const Operand& b) { return eq(a, b); }
  friend T operator!=(const Operand& a, const Operand& b) { return ne(a, b); }
  friend T operator<(const Operand& a, const Operand& b) { return lt(a, b); }
  friend T operator<=(const Operand& a, const Operand& b) { return le(a, b); }
  friend T operator>(const Operand& a, const Operand& b) { return gt(a, b); }
  friend T operator>=(const Operand& a, const Operand& b) { return ge(a, b); }

  friend T operator&(const T& a, const T& b) { return logical_and(a, b); }
  friend T operator|(const T& a, const T& b) { return logical_or(a, b); }
  friend T operator~(const T& x) { return logical_not(x); }
};

}  // namespace gradus::detail

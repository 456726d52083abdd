// expect: da and db are swapped
// "The derivative by a" makes one write a; but a product's derivative is the other factor.
#include <cmath>

#include "course.h"

enum class Op { add, sub, mul, div, exp, tanh };

struct Derivatives {
  double da = 0, db = 0;
};

/// dy/da and dy/db of y = op(a, b).
Derivatives derivatives(Op op, double a, double b, double y) {
  switch (op) {
    case Op::add:
      return {1, 1};
    case Op::sub:
      return {1, -1};
    case Op::mul:
      return {a, b};
    case Op::div:
      return {1 / b, -y / b};
    case Op::exp:
      return {y, 0};
    case Op::tanh:
      return {1 - y * y, 0};
  }
  return {};
}

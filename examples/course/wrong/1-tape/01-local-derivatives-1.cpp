// expect: computed from the input
// 1 - tanh² is remembered as 1 - (...)², and a is the argument at hand.
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
      return {b, a};
    case Op::div:
      return {1 / b, -y / b};
    case Op::exp:
      return {y, 0};
    case Op::tanh:
      return {1 - a * a, 0};
  }
  return {};
}

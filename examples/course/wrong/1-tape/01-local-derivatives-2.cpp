// expect: div at a = 0.7, b = 1.6: db has the wrong sign
// The power rule is remembered, the factor -1 from the exponent is not.
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
      return {1 / b, a / (b * b)};
    case Op::exp:
      return {y, 0};
    case Op::tanh:
      return {1 - y * y, 0};
  }
  return {};
}

// 1.1  Local derivatives.
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
    // The factor of each input is the other one: this is why a tape has to keep inputs.
    case Op::mul:
      return {b, a};
    // -a / b² is -y / b: the result is there already, and one division less.
    case Op::div:
      return {1 / b, -y / b};
    // For these two the result is all that has to be kept. A tanh computed again from `a` would be
    // right, but would cost as much as the forward pass.
    case Op::exp:
      return {y, 0};
    case Op::tanh:
      return {1 - y * y, 0};
  }
  return {};
}

// 1.1  Local derivatives.
//
// An operation y = f(a, b) needs to know two numbers about itself: dy/da and dy/db, at the a and b
// of this call. Everything else is the tape's business. Write them for five operations; `add` is
// there. The result y is given too: for some operations it is the shortest way to a derivative.
// exp and tanh have one input, a: their db stays 0.
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
    // TODO: sub: a - b, mul: a * b, div: a / b, exp: e^a, tanh: tanh(a).
    default:
      break;
  }
  course::todo("the derivatives of sub, mul, div, exp and tanh");
}

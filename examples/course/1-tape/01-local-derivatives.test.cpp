#include COURSE_FILE

namespace {

double value(Op op, double a, double b) {
  switch (op) {
    case Op::add:
      return a + b;
    case Op::sub:
      return a - b;
    case Op::mul:
      return a * b;
    case Op::div:
      return a / b;
    case Op::exp:
      return std::exp(a);
    case Op::tanh:
      return std::tanh(a);
  }
  return 0;
}

bool near(double a, double b) {
  return std::abs(a - b) < 1e-7 * std::max(1.0, std::abs(b));
}

using gradus::str;

void check_at(Op op, const std::string& name, double a, double b) {
  const double y = value(op, a, b), h = 1e-5;
  const Derivatives found = derivatives(op, a, b, y);
  const double da = (value(op, a + h, b) - value(op, a - h, b)) / (2 * h);
  const double db = (value(op, a, b + h) - value(op, a, b - h)) / (2 * h);
  const std::string at = str(" at a = ", a, ", b = ", b);
  const std::string numbers = str("Yours are da = ", found.da, ", db = ", found.db, "; a step of ",
                                  h, " to either side gives da = ", da, ", db = ", db, ".");
  course::check(std::isfinite(found.da) && std::isfinite(found.db),
                name + at + ": a derivative is NaN or infinite.", numbers);
  if (near(found.da, da) && near(found.db, db)) return;
  const bool one_input = op == Op::exp || op == Op::tanh;
  if (one_input && found.db != 0)
    course::fail(name + " has one input: its db has to stay 0.", numbers);
  if (!near(da, db) && near(found.da, db) && near(found.db, da))
    course::fail(name + at + ": da and db are swapped.", numbers);
  if ((op == Op::sub || op == Op::div) && near(found.da, da) && near(found.db, -db))
    course::fail(name + at + ": db has the wrong sign.",
                 numbers + " Here a larger b makes the result smaller.");
  if (op == Op::tanh && near(found.da, 1 - a * a))
    course::fail(str("tanh", at, ": da is 1 - a² = ", found.da, ", computed from the input."),
                 numbers + " The derivative of tanh is 1 - y², with the result y = tanh(a).");
  if (op == Op::tanh && near(found.da, 1 - y))
    course::fail("tanh" + at + ": da is 1 - y: the square is missing.", numbers);
  if (op == Op::div && near(found.da, da) && near(found.db, -a / b))
    course::fail("div" + at + ": db is -a / b: the square of b is missing.", numbers);
  if (op == Op::exp && near(found.da, a * std::exp(a - 1)))
    course::fail("exp" + at + ": da is a e^(a-1), the power rule.",
                 numbers + " In a power a^n the variable is below; in e^a it is above.");
  course::check(near(found.da, da), name + at + ": da is wrong.", numbers);
  course::check(near(found.db, db), name + at + ": db is wrong.", numbers);
}

}  // namespace

int main() {
  return course::run([] {
    const double points[][2] = {{0.7, 1.6}, {-1.3, 2.5}, {2.2, 0.4}, {0.0, -1.5}};
    for (const auto& [a, b] : points) {
      check_at(Op::add, "add", a, b);
      check_at(Op::sub, "sub", a, b);
      check_at(Op::mul, "mul", a, b);
      check_at(Op::div, "div", a, b);
      check_at(Op::exp, "exp", a, b);
      check_at(Op::tanh, "tanh", a, b);
    }
  });
}

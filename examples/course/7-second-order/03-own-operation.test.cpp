#include COURSE_FILE

namespace {

Tensor reference(const Tensor& x) {
  return x / norm(x, {1}, 2, true);
}

void check_entry(const Tensor& x) {
  const Tape tape;
  const Tensor y = normalize_rows(x);
  course::same("y", y.detach(), reference(x.detach()));
  int own = 0, others = 0;
  for (size_t i = 0; i < tape.size(); ++i) {
    const std::string op = tape[i].op;
    if (op == "leaf") continue;
    ++(op == "normalize_rows" ? own : others);
  }
  course::check(own == 1,
                str("The tape has ", own, " entries \"normalize_rows\" and ", others,
                    " others; it should have one."),
                "record(\"normalize_rows\", inputs(x), y, saved(...), rule) makes the entry.");
  course::check(others == 0,
                str("Besides \"normalize_rows\" the tape has ", others, " other entries."),
                "What the forward pass computes on the way belongs under NoGrad.");
}

void check_first(const Tensor& x) {
  manual_seed(9);
  const Tensor g = randn({4, 3}, x.dtype());
  const Tape tape;
  const Tensor found = grad(normalize_rows(x), {x}, {.gradient = g})[0];
  const Tensor right = grad(reference(x), {x}, {.gradient = g})[0];
  const NoGrad pause;
  const Tensor at = x.detach(), length = norm(at, {1}, 2, true), y = at / length;
  if (course::is_same(found, g / length)) {
    const double along = sum(narrow(found * y, 0, 0, 1)).item();
    course::fail(str("In row 0 your dx has the component ", along,
                     " along x; it must be 0: a longer x "
                     "gives the same y. gradcheck finds this."),
                 "The length was treated as a constant: the term - y (y . g) is missing.");
  }
  if (course::is_same(found, (g - y * sum(y * g)) / length))
    course::fail(
        "The rows of your dx depend on each other. gradcheck finds this.",
        "y . g is summed over everything; it must be one number per row: sum(y * g, {1}, true).");
  if (course::is_same(found, g - y * sum(y * g, {1}, true)))
    course::fail(
        "Your dx does not depend on the length of x; twice the x must give half the gradient.",
        "The division by |x| is missing.");
  course::same("dx", found, right, "Compare it with the formula at the top of the exercise.");
}

void check_second(const Tensor& x) {
  const TensorFunction f = [](const std::vector<Tensor>& in) { return normalize_rows(in[0]); };
  const GradcheckResult first = gradcheck(f, {x});
  course::check(first.passed, "gradcheck found: " + first.message);
  const GradcheckResult second = gradgradcheck(f, {x});
  if (!second.passed && second.message.find("gives 0.00000000000e+00") != std::string::npos)
    course::fail(
        "The gradient of the gradient is cut off: gradcheck passes, gradgradcheck finds 0.\n" +
            second.message,
        "Was something detached, or computed under NoGrad, in the rule?");
  course::check(
      second.passed,
      "Right to first order only: gradcheck passes and gradgradcheck fails.\n" + second.message,
      "The rule uses something that depends on x, but of which the tape does not know how: a "
      "tensor "
      "from the forward pass that is neither input nor output, or one that was detached. Save x "
      "and y, "
      "and compute everything else in the rule.");
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(8);
    const Tensor x = randn({4, 3}, float64).requires_grad_();
    check_entry(x);
    check_first(x);
    check_first(randn({4, 3}).requires_grad_());
    check_second(x);
  });
}

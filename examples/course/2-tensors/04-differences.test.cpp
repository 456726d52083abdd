#include COURSE_FILE

namespace {

/// Calls numeric_gradient for a function, and keeps where that was evaluated.
struct Watched {
  std::vector<std::vector<double>> points;
  bool float64_only = true;
  Tensor result;

  Watched(const ScalarFunction& f, const Tensor& x) {
    result = numeric_gradient(
        [&](const Tensor& at) {
          float64_only = float64_only && at.dtype() == float64;
          points.push_back(at.to(float64).contiguous().to_vector<double>());
          return f(at);
        },
        x);
  }
};

Tensor function(const Tensor& x) {
  return sum(x * x * x + exp(x));
}

void check_calls(const Watched& seen, const Tensor& x) {
  const auto start = x.to(float64).to_vector<double>();
  const size_t n = start.size();
  double least = INFINITY, most = 0;
  size_t up = 0, down = 0;
  for (const auto& point : seen.points) {
    course::check(point.size() == n, "f was called with a tensor of another size than x.");
    size_t moved = 0;
    for (size_t i = 0; i < n; ++i) {
      const double step = point[i] - start[i];
      if (std::abs(step) < 1e-14) continue;  // left over from += h, -= 2 h, += h
      ++moved;
      ++(step > 0 ? up : down);
      least = std::min(least, std::abs(step));
      most = std::max(most, std::abs(step));
    }
    if (moved > 1)
      course::fail(str("In one call of f, ", moved, " elements of x were moved."),
                   "The others have to be where they were: put each element back when its "
                   "difference is known.");
  }
  if (up == 0 && down == 0)
    course::fail("f was never called with an element of x moved.",
                 "A step of less than 1e-16 is lost "
                 "when it is added to 1; those below 1e-14 do not count here.");
  if (up == 0 || down == 0)
    course::fail(
        str("All steps go to one side: ", up, " up, ", down, " down."),
        "The error of a one-sided difference is of the order h, not h²: with h = 1e-6 six "
        "digits are right, and a check with a tight tolerance rejects a correct gradient.");
  if (most > 2e-4)
    course::fail(str("The step is ", most, ": too large."),
                 str("The curve between the two points counts: the error is of the order h² = ",
                     most * most, "."));
  if (least < 5e-8)
    course::fail(str("The step is ", least, ": too small."),
                 str("f is known to 16 digits; divided by h, the rounding is an error of about ",
                     1e-16 / least, "."));
}

void check_at(const Tensor& x) {
  const Tensor before = x.clone();
  const Watched seen(function, x);
  const Tensor wide = before.to(float64), expected = 3.0 * wide * wide + exp(wide);
  course::check(course::is_same(x, before, 1e-15), "x has changed.",
                "Write to a clone: a Tensor is a handle, and x.to(float64) of a float64 tensor is "
                "the same tensor.");
  course::check(seen.result.defined(), "The gradient is an undefined tensor.");
  if (!seen.float64_only)
    course::fail(
        "f was called with a float32 tensor.",
        "float32 has 7 digits: of a step of 1e-6 nothing is left, and the difference of two "
        "values that agree in 6 digits has one digit. Compute in float64.");
  check_calls(seen, before);
  if (course::is_same(seen.result, expected * 2.0, 1e-4))
    course::fail("The gradient is twice as large as it should be.",
                 "From x - h to x + h it is 2 h.");
  course::same(str("The gradient (x is ", x.dtype(), ")"), seen.result, expected,
               "The derivative of x³ + exp(x) is 3 x² + exp(x).", 3e-6);
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(4);
    check_at(randn({2, 3}, float64));
    check_at(randn({4}, float32));
  });
}

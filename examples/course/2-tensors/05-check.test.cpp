#include COURSE_FILE

namespace {

Tensor soft(const Tensor& x) {
  return softmax(x, -1);
}

Tensor soft_rule(const Tensor& x, const Tensor& g) {
  const Tensor y = soft(x);
  return y * (g - sum(y * g, {-1}, true));
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(5);
    const Tensor x = randn({2, 4}, float64);
    const auto cube = [](const Tensor& t) { return t * t * t; };
    const auto cube_rule = [](const Tensor& t, const Tensor& g) { return 3.0 * g * t * t; };
    for (int i = 0; i < 5; ++i) {
      course::check(is_right(cube, cube_rule, x), "The rule of x³, 3 x² g, was rejected.",
                    "Do both sides use the same weights? Is the tolerance wide enough for "
                    "differences, and are they central?");
      course::check(is_right(soft, soft_rule, x), "The right rule of softmax was rejected.",
                    "Do both sides use the same weights? Is the tolerance wide enough?");
    }
    const Rule nothing = [](const Tensor& t, const Tensor&) { return zeros_like(t); };
    const Rule doubled = [](const Tensor& t, const Tensor& g) { return 2.0 * soft_rule(t, g); };
    const Rule no_y = [](const Tensor& t, const Tensor& g) {
      return g - sum(soft(t) * g, {-1}, true);
    };
    if (is_right(soft, nothing, x) || is_right(soft, no_y, x)) {
      course::fail("A rule of softmax that is always 0, or lacks the factor y, was accepted.",
                   "With weights that are all equal, sum(u y) is a constant, its gradient is 0, "
                   "and each of these rules gives 0, too: the weights have to be random.");
    }
    course::check(!is_right(soft, doubled, x),
                  "A rule of softmax that is twice too large was "
                  "accepted.");
    const Rule smaller = [&](const Tensor& t, const Tensor& g) { return cube_rule(t, g) - 1.0; };
    const Rule larger = [&](const Tensor& t, const Tensor& g) { return cube_rule(t, g) + 1.0; };
    const bool small_passes = is_right(cube, smaller, x), large_passes = is_right(cube, larger, x);
    if (small_passes != large_passes)
      course::fail(
          str("A rule whose results are all 1 too ", small_passes ? "small" : "large",
              " was accepted, one that is 1 too ", small_passes ? "large" : "small", " was not."),
          "The difference has a sign: compare abs(difference) with the tolerance.");
    course::check(!small_passes, "A rule whose results are all 1 too small was accepted.");
    const Rule nearly = [&](const Tensor& t, const Tensor& g) {
      return cube_rule(t, g) * (1 + 2e-5);
    };
    course::check(!is_right(cube, nearly, x),
                  "A rule that is wrong by a factor of 1.00002 was "
                  "accepted.",
                  "Central differences in float64 are good to 9 digits or so: a wide tolerance "
                  "hides small terms that are missing, like an ε or an n - 1 in place of n.");
    const Rule nan = [](const Tensor& t, const Tensor&) { return zeros_like(t) / 0.0; };
    course::check(!is_right(cube, nan, x), "A rule that gives NaN was accepted.",
                  "Every comparison with NaN is false: ask for error <= limit, rather than "
                  "rejecting for error > limit.");
    const Rule one_wrong = [&](const Tensor& t, const Tensor& g) {
      Tensor dx = cube_rule(t, g).clone();
      dx.select(0, 1).select(0, 2).fill_(0);
      return dx;
    };
    course::check(!is_right(cube, one_wrong, x), "A rule with one wrong element of 8 was accepted.",
                  "It takes the largest difference over all elements.");
    const Tensor tiny = x * 1e-2;
    const Rule off = [&](const Tensor& t, const Tensor& g) { return cube_rule(t, g) * 1.01; };
    course::check(!is_right(cube, off, tiny),
                  "At x of about 0.01, where the gradient is about "
                  "0.0003, a rule that is 1 % too large was accepted.",
                  "The tolerance is relative to the largest element of the gradient.");
  });
}

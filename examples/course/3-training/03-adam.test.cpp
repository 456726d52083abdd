#include COURSE_FILE

namespace {

/// A parameter after one step from 1 with the gradient 2, and the state.
struct First {
  double moved;
  Moments state;
};

First first_step(const Settings& s) {
  const Tensor p = ones({1}, float64), g = full({1}, 2, float64);
  Moments state{zeros({1}, float64), zeros({1}, float64)};
  adam_step(p, g, state, s);
  return {1 - p.item(), state};
}

void by_hand() {
  const Settings s{.lr = 0.1};
  const First f = first_step(s);
  course::check(f.state.t == 1, str("After the first step your state.t is ", f.state.t, "."),
                "It counts the steps: one more in each.");
  const double m = f.state.m.item(), v = f.state.v.item();
  const auto stored = [](const char* name, double found, double right) {
    course::fail(str("After the first step, with g = 2, your state.", name, " is ", found,
                     ", expected ", right, ": the corrected average was stored."),
                 "The corrections belong to one step only. The next one continues with m and v.");
  };
  if (m == 2) stored("m", m, 0.2);
  course::same("After the first step, with g = 2, state.m", m, 0.2, "m = beta1 m + (1 - beta1) g");
  if (std::abs(v - 0.4) < 1e-9)
    course::fail(str("After the first step, with g = 2, your state.v is ", v,
                     ", expected 0.004: v decays with beta1."),
                 "It has a rate of its own, beta2 = 0.999: it averages over 1000 steps, not 10.");
  if (std::abs(v - 0.002) < 1e-9)
    course::fail("Your state.v averages g, not its square.", "v = beta2 v + (1 - beta2) g^2");
  if (std::abs(v - 4) < 1e-9) stored("v", v, 0.004);
  course::same("After the first step, with g = 2, state.v", v, 0.004,
               "v = beta2 v + (1 - beta2) g^2");

  const std::string moved =
      str("The first step, with g = 2 and lr = 0.1, moved p by ", f.moved, ", expected 0.1");
  const auto is = [&](double x) { return std::abs(f.moved - x) < 1e-6; };
  if (f.moved == 0)
    course::fail("The parameter has not changed.",
                 "`p = p - ...` makes the local handle refer to a new tensor; `p -= ...` writes to "
                 "the elements, which the caller's handle shares.");
  if (std::isnan(f.moved) || std::isinf(f.moved))
    course::fail(moved + ": the steps are counted from 0.",
                 "1 - beta^0 is 0. The first step has t = 1, so count before you correct.");
  if (is(0.1 * 0.2 / std::sqrt(0.004)))
    course::fail(moved + ": there is no correction for the start at 0.",
                 "m is a tenth of g, the root of v a thirtieth of |g|: both started at 0 and have "
                 "to be divided by 1 - beta^t. Without it, first steps are 3.2 times too long.");
  if (is(0.1 * 2 / std::sqrt(0.004)))
    course::fail(moved + ": your correction divides m only.",
                 "v started at 0 as well, and is too small by a factor of 1000.");
  if (is(0.1 * 0.2 / 2))
    course::fail(moved + ": your correction divides v only.", "m started at 0 as well.");
  if (is(-0.1)) course::fail(moved + ": it goes uphill.", "Subtract the step.");
  if (is(0.1 * 2 / 4))
    course::fail(moved + ": it divides by v', not by its root.",
                 "The step must not depend on the scale of g.");
  course::same("The first step with lr = 0.1", f.moved, 0.1, "", 1e-6);

  const double large = first_step({.lr = 0.1, .eps = 1}).moved;
  if (std::abs(large - 0.1 * 2 / std::sqrt(5.0)) < 1e-9)
    course::fail(str("With eps = 1 and g = 2 your first step is ", large, ", expected ", 0.2 / 3,
                     ": eps is inside the root."),
                 "The paper adds it to the root. In the root, 1e-8 acts like 1e-4 outside.");
  if (std::abs(large - 0.1) < 1e-9)
    course::fail("eps has no effect.", "The denominator is sqrt(v') + eps.");
  course::same("With eps = 1 and g = 2, the first step", large, 0.2 / 3);
}

void against_the_library(DType type) {
  manual_seed(1);
  const Settings s{.lr = 0.05, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3};
  const Tensor mine = randn({4, 3}, type), theirs = mine.clone().requires_grad_();
  optim::Adam adam({{"p", theirs}}, {.lr = s.lr, .betas = {s.beta1, s.beta2}, .eps = s.eps});
  Moments state{zeros_like(mine), zeros_like(mine)};
  for (int step = 1; step <= 20; ++step) {
    const Tensor g = randn({4, 3}, type) * (step % 3 == 0 ? 0.01 : 1.0);
    adam_step(mine, g, state, s);
    Tensor(theirs).set_grad(g);
    adam.step();
    course::same(str("After step ", step, " with betas of 0.8 and 0.95 p"), mine, theirs.detach(),
                 step == 1 ? "Are all numbers taken from the settings?"
                           : "The first step is right: look at what is kept from step to step.");
  }
}

}  // namespace

int main() {
  return course::run([] {
    by_hand();
    against_the_library(float64);
    against_the_library(float32);
  });
}

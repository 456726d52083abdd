// Gradient checks: they accept what is right, and catch what is off by a thousandth.
#include "../../core/gradcheck.h"

#include <doctest/doctest.h>

#include "../../core/base/error.h"
#include "../../core/base/random.h"
#include "../../core/grad.h"
#include "../../core/ops.h"

using namespace gradus;

namespace {

Tensor input(const Shape& shape, uint64_t seed) {
  Rng generator(seed);
  Tensor x = rand(shape, generator, 0.5, 2, float64);
  x.requires_grad_();
  return x;
}

/// x^3 with a first derivative `first` times too large and a second one `second` times.
struct Factors {
  double first, second;
};

/// 3 x^2 g, whose own derivative is wrong by `second`.
Tensor cube_gradient(const Tensor& x, const Tensor& g, const Factors& factors) {
  const Tensor y = mul(mul(square(x.detach()), g.detach()), 3 * factors.first);
  return record("cube_gradient", inputs(x, g), y, saved(x, g), factors,
                [](const TensorList& s, const Factors& f, const Tensor& u, const Wanted&) {
                  return TensorList{mul(mul(mul(s[0], s[1]), u), 6 * f.first * f.second),
                                    mul(mul(square(s[0]), u), 3 * f.first)};
                });
}

Tensor cube(const Tensor& x, const Factors& factors) {
  const Tensor y = mul(square(x.detach()), x.detach());
  return record("cube", inputs(x), y, saved(x), factors,
                [](const TensorList& s, const Factors& f, const Tensor& g, const Wanted&) {
                  return TensorList{cube_gradient(s[0], g, f)};
                });
}

TensorFunction cube_with(const Factors& factors) {
  return [factors](const std::vector<Tensor>& xs) { return cube(xs[0], factors); };
}

/// x divided by its sum, with a rule that takes the plain mean of g where it should weigh with x.
/// Its outputs add up to 1, so the gradient of their sum is 0 all the same.
Tensor share_of_sum(const Tensor& x) {
  const Tensor y = div(x.detach(), sum(x.detach()));
  return record("share_of_sum", inputs(x), y, saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) {
                  return TensorList{div(sub(g, mean(g)), sum(s[0]))};
                });
}

}  // namespace

TEST_CASE("correct gradients pass, at first and second order") {
  const std::vector<Tensor> xs{input({3, 4}, 1), input({4}, 2)};
  const TensorFunction f = [](const std::vector<Tensor>& x) {
    return div(mul(exp(x[0]), x[1]), add(square(x[1]), sqrt(x[0])));
  };
  const GradcheckResult first = gradcheck(f, xs);
  CHECK_MESSAGE(first, first.message);
  CHECK(first.message.empty());
  CHECK(first.worst < 1e-6);
  const GradcheckResult second = gradgradcheck(f, xs);
  CHECK_MESSAGE(second, second.message);
}

TEST_CASE("a correct operation of a user passes") {
  CHECK(gradcheck(cube_with({1, 1}), {input({5}, 3)}));
  CHECK(gradgradcheck(cube_with({1, 1}), {input({5}, 3)}));
}

TEST_CASE("a rule that is off by 1.001 fails at first order") {
  const GradcheckResult result = gradcheck(cube_with({1.001, 1}), {input({5}, 3)});
  CHECK_FALSE(result);
  CHECK(result.worst > 0.5e-3);
  CHECK(result.message.find("[gradcheck] input 0 [5]: along a random direction the tape gives ") ==
        0);
}

TEST_CASE("a rule whose own rule is off by 1.001 passes at first order and fails at second") {
  CHECK(gradcheck(cube_with({1, 1.001}), {input({5}, 3)}));
  const GradcheckResult result = gradgradcheck(cube_with({1, 1.001}), {input({5}, 3)});
  CHECK_FALSE(result);
  CHECK(result.message.find("[gradgradcheck] input 0 [5]") == 0);
}

TEST_CASE("one wrong element among many is found") {
  const TensorFunction f = [](const std::vector<Tensor>& xs) {
    const Tensor is_last = eq(arange(0, 200), 199);
    return where(is_last, cube(xs[0], {1.001, 1}), cube(xs[0], {1, 1}));
  };
  CHECK_FALSE(gradcheck(f, {input({200}, 5)}));
}

TEST_CASE("a random cotangent finds what the gradient of a sum hides") {
  const Tensor x = input({4}, 4);
  CHECK(gradcheck([](const std::vector<Tensor>& xs) { return sum(share_of_sum(xs[0])); }, {x}));
  CHECK_FALSE(gradcheck([](const std::vector<Tensor>& xs) { return share_of_sum(xs[0]); }, {x}));
}

TEST_CASE("a missing dependence counts as a gradient of zero") {
  const std::vector<Tensor> xs{input({2}, 1), input({2}, 2)};
  const auto uses_first = [](const std::vector<Tensor>& x) { return square(x[0]); };
  CHECK(gradcheck(uses_first, xs));
  CHECK(gradgradcheck(uses_first, xs));
  const auto cuts = [](const std::vector<Tensor>& x) { return mul(x[0], x[1].detach()); };
  CHECK_FALSE(gradcheck(cuts, xs));
  const auto constant = [](const std::vector<Tensor>&) { return ones({2}, float64); };
  CHECK(gradcheck(constant, xs));
  CHECK(gradgradcheck(constant, xs));
}

TEST_CASE("inputs that ask for no gradient stay as they are, of any type") {
  const Tensor mask = lt(input({3}, 6).detach(), 1.2);
  const auto f = [](const std::vector<Tensor>& xs) { return where(xs[0], square(xs[1]), xs[1]); };
  CHECK(gradcheck(f, {mask, input({3}, 7)}));
  CHECK(gradgradcheck(f, {mask, input({3}, 7)}));
}

TEST_CASE("a NaN is a failure") {
  const auto f = [](const std::vector<Tensor>& xs) { return log(sub(xs[0], 10)); };
  CHECK_FALSE(gradcheck(f, {input({2}, 8)}));
}

TEST_CASE("a check leaves gradients, values, random numbers and an open tape as they were") {
  Tensor x = input({3}, 9);
  x.set_grad(full({3}, 5, float64));
  const Tensor captured = input({3}, 10);
  const std::vector<double> before = x.to_vector<double>();
  const RandomState random_before = random_state();
  const Tape tape;
  const Tensor y = square(x);
  const size_t entries = tape.size();
  CHECK(gradgradcheck(
      [&captured](const std::vector<Tensor>& xs) { return mul(mul(xs[0], xs[0]), captured); },
      {x}));
  CHECK(x.to_vector<double>() == before);
  CHECK(x.grad().to_vector<double>() == std::vector<double>{5, 5, 5});
  CHECK_FALSE(captured.grad().defined());
  CHECK(random_state().streams == random_before.streams);
  CHECK(tape.size() == entries);
  CHECK(Tape::current() == &tape);
}

TEST_CASE("what cannot be checked says so") {
  Tensor x32 = ones({2}, float32);
  x32.requires_grad_();
  const auto f = [](const std::vector<Tensor>& xs) { return square(xs[0]); };
  CHECK_THROWS_WITH_AS(gradcheck(f, {x32}),
                       "[gradcheck] input 0 is float32, [2]. Hint: differences are only meaningful "
                       "in float64: convert it with .to(float64)",
                       DTypeError);
  CHECK_THROWS_WITH_AS(
      gradcheck(f, {ones({2}, float64)}),
      "[gradcheck] no input asks for a gradient. Hint: call requires_grad_() on one", ValueError);
  CHECK_THROWS_WITH_AS(
      gradgradcheck([](const std::vector<Tensor>&) { return ones({1}); }, {input({1}, 1)}),
      doctest::Contains("[gradgradcheck] output 0 is float32"), DTypeError);
}

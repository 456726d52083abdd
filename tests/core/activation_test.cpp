// Activation functions: values, kinks, tails. Derivatives in general: tests/op_table.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../../core/grad.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using test::check_close;
using test::message_of;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

std::vector<double> slopes(const std::function<Tensor(const Tensor&)>& f, Tensor x) {
  x.requires_grad_();
  const Tape tape;
  return test::values(grad(sum(f(x)), {x})[0]);
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("hard activations are piecewise linear, with PyTorch's slopes at the kinks") {
  CHECK(test::values(hardtanh(tensor({-2.0, -1.0, 0.5, 1.0, 3.0}))) == Values{-1, -1, 0.5, 1, 1});
  CHECK(slopes([](const Tensor& x) { return hardtanh(x); }, tensor({-2.0, -1.0, 0.5, 1.0, 3.0})) ==
        Values{0, 0, 1, 0, 0});
  CHECK(test::values(relu6(tensor({-1.0, 0.0, 4.0, 6.0, 9.0}))) == Values{0, 0, 4, 6, 6});
  CHECK(slopes(relu6, tensor({-1.0, 0.0, 4.0, 6.0, 9.0})) == Values{0, 0, 1, 0, 0});
  CHECK(test::values(hardsigmoid(tensor({-4.0, -3.0, 0.0, 3.0, 5.0}))) == Values{0, 0, 0.5, 1, 1});
  CHECK(slopes(hardsigmoid, tensor({-4.0, -3.0, 3.0, 5.0})) == Values{0, 0, 0, 0});
  check_close(hardswish(tensor({-4.0, -3.0, -1.0, 3.0, 5.0})),
              tensor({0.0, 0.0, -1.0 / 3, 3.0, 5.0}));
  CHECK(slopes(hardswish, tensor({-4.0, -3.0, 3.0, 5.0})) == Values{0, -0.5, 1.5, 1});
}

TEST_CASE("NaN is passed on by hard activations, and so are gradients, so that it shows") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(slopes(relu, tensor({nan, -1.0, 0.0, 2.0})) == Values{1, 0, 0, 1});
  CHECK(slopes(relu6, tensor({nan, 7.0})) == Values{1, 0});
  CHECK(slopes([](const Tensor& x) { return hardtanh(x); }, tensor({nan, 0.5})) == Values{1, 1});
  CHECK(std::isnan(hardswish(tensor({nan})).item()));
}

TEST_CASE("the gradient of hardswish is that of its tails at the infinities") {
  CHECK(slopes(hardswish, tensor({inf, -inf})) == Values{1, 0});
}

TEST_CASE("shrinking functions are zero around zero, bounds included") {
  const Tensor x = tensor({-2.0, -0.5, 0.1, 0.5, 2.0});
  CHECK(test::values(hardshrink(x)) == Values{-2, 0, 0, 0, 2});
  CHECK(slopes([](const Tensor& t) { return hardshrink(t); }, x.clone()) == Values{1, 0, 0, 0, 1});
  CHECK(test::values(softshrink(x)) == Values{-1.5, 0, 0, 0, 1.5});
  CHECK(slopes([](const Tensor& t) { return softshrink(t); }, x.clone()) == Values{1, 0, 0, 0, 1});
  check_close(tanhshrink(x), sub(x, tanh(x)));
  CHECK(message_of([&] { softshrink(x, -1); }) ==
        "[softshrink] lambda must not be negative, got -1. Hint: 0.5 is usual");
}

TEST_CASE("threshold keeps what is above it and nothing else") {
  const Tensor x = tensor({-1.0, 0.5, 0.7});
  CHECK(test::values(threshold(x, 0.5, 20)) == Values{20, 20, 0.7});
  CHECK(slopes([](const Tensor& t) { return threshold(t, 0.5, 20); }, x.clone()) ==
        Values{0, 0, 1});
}

TEST_CASE("exponential units join at zero with the slope of the negative side") {
  check_close(selu(tensor({1.0, -1.0})), tensor({1.0507009873554805, -1.1113307378125625}));
  check_close(celu(tensor({2.0, -1.0}), 0.5), tensor({2.0, 0.5 * std::expm1(-2.0)}));
  CHECK(slopes([](const Tensor& t) { return celu(t, 0.5); }, tensor({0.0}))[0] == 1);
  CHECK(slopes(selu, tensor({0.0}))[0] == doctest::Approx(1.7580993408473766));
  CHECK(message_of([] { celu(ones({1}), 0); }) ==
        "[celu] alpha must be a number other than 0, got 0. Hint: 1 is usual");
}

TEST_CASE("log_sigmoid is exact in both tails") {
  const Tensor y = log_sigmoid(tensor({-1000.0, -40.0, 0.0, 40.0, 1000.0}));
  check_close(y, tensor({-1000.0, -40.0, -std::log(2.0), -std::exp(-40.0), 0.0}), 1e-15);
  CHECK(test::values(y)[3] == doctest::Approx(-4.248354255291589e-18));  // not 0
  CHECK(slopes(log_sigmoid, tensor({-1000.0, 0.0, 1000.0})) == Values{1, 0.5, 0});
}

TEST_CASE("mish, softsign, softmin and glu are what their formulas say") {
  const Tensor x = tensor({-1.0, 0.5, 3.0, 30.0});
  check_close(mish(x), mul(x, tanh(log1p(exp(x)))));
  check_close(softsign(x), tensor({-0.5, 1.0 / 3, 0.75, 30.0 / 31}));
  check_close(softmin(x, 0), softmax(neg(x), 0));
  check_close(glu(x), tensor({-1 / (1 + std::exp(-3.0)), 0.5 / (1 + std::exp(-30.0))}));
  CHECK(glu(ones({2, 6, 3}), 1).shape() == Shape{2, 3, 3});
  CHECK(message_of([] {
          glu(ones({2, 3}));
        }) == "[glu] dimension 1 of [2,3] has no two halves. Hint: its size must be even");
}

TEST_CASE("prelu has one weight, or one for each channel") {
  const Tensor x = tensor({-1.0, 2.0, -3.0, -4.0}, {1, 2, 2});
  CHECK(test::values(prelu(x, tensor({0.5}))) == Values{-0.5, 2, -1.5, -2});
  CHECK(test::values(prelu(x, tensor({0.5, 0.1}))) == Values{-0.5, 2, 3 * -0.1, -0.4});
  CHECK(test::values(prelu(tensor({-2.0, 2.0}), tensor({0.5}))) == Values{-1, 2});
  CHECK(message_of([&] { prelu(x, ones({3}, float64)); }) ==
        "[prelu] expected a weight [1] or [2], got [3] for input [1,2,2]. Hint: channels are "
        "dimension 1 of the input");
}

TEST_CASE("prelu passes gradients at zero and for infinite inputs as PyTorch does") {
  const Tensor x = tensor({0.0, inf}).requires_grad_();
  const Tensor weight = tensor({0.25}).requires_grad_();
  const Tape tape;
  const auto g = grad(sum(prelu(x, weight)), {x, weight});
  CHECK(test::values(g[0]) == Values{0.25, 1});
  CHECK(test::values(g[1]) == Values{0});
}

TEST_CASE("hardtanh refuses bounds that are not in order") {
  CHECK(message_of([] { hardtanh(ones({1}), 1, 1); }) ==
        "[hardtanh] min_val must be less than max_val, got 1 and 1. Hint: swap them, or use "
        "clamp() for one bound");
}

// Optimizers against their formulas, written down once more for a single number.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "../../core/ops.h"
#include "../support/errors.h"
#include "all_optimizers.h"

using namespace gradus;
using test::message_of;

namespace {

/// A formula takes the number of the step, the parameter and the gradient, and returns the new
/// parameter; what it remembers lives in its closure.
using Formula = std::function<double(int t, double p, double g)>;

void check_follows(
    const std::function<std::unique_ptr<optim::Optimizer>(const NamedTensors&)>& make,
    const Formula& formula, int steps = 12) {
  Tensor p = full({}, 0.7, float64).requires_grad_();
  const auto optimizer = make({{"p", p}});
  double x = 0.7;
  for (int t = 1; t <= steps; ++t) {
    const double g = std::sin(3.0 * t) + 0.1 * x;
    p.set_grad(full({}, g, float64));
    optimizer->step();
    x = formula(t, x, g);
    REQUIRE(p.item() == doctest::Approx(x).epsilon(1e-12));
  }
}

template <class Optimizer, class Options>
auto maker(const Options& options) {
  return [options](const NamedTensors& parameters) -> std::unique_ptr<optim::Optimizer> {
    return std::make_unique<Optimizer>(parameters, options);
  };
}

double corrected(double average, double beta, int t) {
  return average / (1 - std::pow(beta, t));
}

}  // namespace

TEST_CASE("rmsprop divides by the root of a mean square") {
  double s = 0;
  check_follows(maker<optim::RMSprop>(optim::RMSpropOptions{.lr = 0.1, .alpha = 0.8, .eps = 0.01}),
                [&](int, double p, double g) {
                  s = 0.8 * s + 0.2 * g * g;
                  return p - 0.1 * g / (std::sqrt(s) + 0.01);
                });
}

TEST_CASE("centered rmsprop with momentum divides by a standard deviation, into a buffer") {
  double s = 0, a = 0, b = 0;
  check_follows(maker<optim::RMSprop>(optim::RMSpropOptions{
                    .lr = 0.1, .alpha = 0.8, .eps = 0.01, .momentum = 0.5, .centered = true}),
                [&](int, double p, double g) {
                  s = 0.8 * s + 0.2 * g * g;
                  a = 0.8 * a + 0.2 * g;
                  b = 0.5 * b + g / (std::sqrt(s - a * a) + 0.01);
                  return p - 0.1 * b;
                });
}

TEST_CASE("rmsprop keeps no mean and no buffer unless it is told to") {
  Tensor p = zeros({1}, float64).requires_grad_();
  optim::RMSprop rmsprop(NamedTensors{{"p", p}}, {.lr = 1, .alpha = 0, .eps = 0});
  p.set_grad(tensor({2.0}));
  rmsprop.step();
  CHECK(p.item() == -1);
  CHECK(rmsprop.state_dict().back().name == "p.square_avg");
}

TEST_CASE("centered rmsprop survives a variance that rounding takes below zero") {
  Tensor p = ones({64}).requires_grad_();
  optim::RMSprop rmsprop(NamedTensors{{"p", p}}, {.lr = 1e-6, .alpha = 0.5, .centered = true});
  p.set_grad(full({64}, 0.1F));
  for (int t = 0; t < 200; ++t) rmsprop.step();  // of a constant the variance is 0
  CHECK(all_finite(p));
}

TEST_CASE("adagrad divides by the root of the sum of squares, with a rate that decays") {
  double sum = 0.3;
  check_follows(maker<optim::Adagrad>(optim::AdagradOptions{
                    .lr = 0.1, .lr_decay = 0.2, .initial_accumulator_value = 0.3, .eps = 0.01}),
                [&](int t, double p, double g) {
                  sum += g * g;
                  return p - 0.1 / (1 + (t - 1) * 0.2) * g / (std::sqrt(sum) + 0.01);
                });
}

TEST_CASE("adadelta measures its steps by earlier ones") {
  double s = 0, a = 0;
  check_follows(maker<optim::Adadelta>(optim::AdadeltaOptions{.lr = 0.7, .rho = 0.8, .eps = 0.01}),
                [&](int, double p, double g) {
                  s = 0.8 * s + 0.2 * g * g;
                  const double q = std::sqrt(a + 0.01) / std::sqrt(s + 0.01) * g;
                  a = 0.8 * a + 0.2 * q * q;
                  return p - 0.7 * q;
                });
}

TEST_CASE("adamax divides by the largest gradient, which fades") {
  double m = 0, u = 0;
  check_follows(
      maker<optim::Adamax>(optim::AdamaxOptions{.lr = 0.1, .betas = {0.8, 0.9}, .eps = 0.01}),
      [&](int t, double p, double g) {
        m = 0.8 * m + 0.2 * g;
        u = std::max(0.9 * u, std::abs(g) + 0.01);
        return p - 0.1 * corrected(m, 0.8, t) / u;
      });
}

TEST_CASE("nadam looks ahead with a momentum that grows") {
  double m = 0, v = 0, product = 1;
  const auto mu = [](int t) { return 0.8 * (1 - 0.5 * std::pow(0.96, t * 0.05)); };
  check_follows(maker<optim::NAdam>(optim::NAdamOptions{
                    .lr = 0.1, .betas = {0.8, 0.9}, .eps = 0.01, .momentum_decay = 0.05}),
                [&](int t, double p, double g) {
                  m = 0.8 * m + 0.2 * g;
                  v = 0.9 * v + 0.1 * g * g;
                  product *= mu(t);
                  const double root = std::sqrt(corrected(v, 0.9, t)) + 0.01;
                  const double along = (1 - mu(t)) * g / (1 - product);
                  const double ahead = mu(t + 1) * m / (1 - product * mu(t + 1));
                  return p - 0.1 * (along + ahead) / root;
                });
}

TEST_CASE("radam steps plainly first and adaptively once the second moment is known") {
  double m = 0, v = 0;
  int adaptive = 0;
  check_follows(
      maker<optim::RAdam>(optim::RAdamOptions{.lr = 0.1, .betas = {0.8, 0.9}, .eps = 0.01}),
      [&](int t, double p, double g) {
        m = 0.8 * m + 0.2 * g;
        v = 0.9 * v + 0.1 * g * g;
        const double longest = 2 / (1 - 0.9) - 1, b = std::pow(0.9, t);
        const double r = longest - 2 * t * b / (1 - b);
        if (r <= 5) return p - 0.1 * corrected(m, 0.8, t);
        ++adaptive;
        const double part =
            std::sqrt((r - 4) * (r - 2) * longest / ((longest - 4) * (longest - 2) * r));
        return p - 0.1 * corrected(m, 0.8, t) * part * std::sqrt(1 - b) / (std::sqrt(v) + 0.01);
      });
  CHECK(adaptive > 0);
  CHECK(adaptive < 12);
}

TEST_CASE("lion steps by the sign of an average, and decays apart from it") {
  double m = 0;
  check_follows(
      maker<optim::Lion>(optim::LionOptions{.lr = 0.1, .betas = {0.8, 0.9}, .weight_decay = 0.3}),
      [&](int, double p, double g) {
        const double c = 0.8 * m + 0.2 * g;
        m = 0.9 * m + 0.1 * g;
        return p * (1 - 0.1 * 0.3) - 0.1 * (c > 0 ? 1 : -1);
      });
}

TEST_CASE("lion does not move where there never was a gradient") {
  Tensor p = ones({2}, float64).requires_grad_();
  optim::Lion lion(NamedTensors{{"p", p}}, {.lr = 0.5});
  p.set_grad(tensor({0.0, 2.0}));
  lion.step();
  CHECK(p.to_vector<double>() == std::vector<double>{1, 0.5});
}

TEST_CASE("states have PyTorch's names") {
  const auto state_of = [](std::unique_ptr<optim::Optimizer> (*make)(const NamedTensors&)) {
    Tensor p = ones({2}).requires_grad_();
    const auto optimizer = make({{"p", p}});
    p.set_grad(ones({2}));
    optimizer->step();
    std::string names;
    for (const NamedTensor& t : optimizer->state_dict()) {
      if (t.name.starts_with("p.")) names += t.name + " ";
    }
    return names;
  };
  CHECK(state_of([](const NamedTensors& p) -> std::unique_ptr<optim::Optimizer> {
          return std::make_unique<optim::RMSprop>(
              p, optim::RMSpropOptions{.momentum = 0.9, .centered = true});
        }) == "p.step p.square_avg p.grad_avg p.momentum_buffer ");
  CHECK(state_of([](const NamedTensors& p) -> std::unique_ptr<optim::Optimizer> {
          return std::make_unique<optim::Adagrad>(p);
        }) == "p.step p.sum ");
  CHECK(state_of([](const NamedTensors& p) -> std::unique_ptr<optim::Optimizer> {
          return std::make_unique<optim::Adadelta>(p);
        }) == "p.step p.square_avg p.acc_delta ");
  CHECK(state_of([](const NamedTensors& p) -> std::unique_ptr<optim::Optimizer> {
          return std::make_unique<optim::Adamax>(p);
        }) == "p.step p.exp_avg p.exp_inf ");
  CHECK(state_of([](const NamedTensors& p) -> std::unique_ptr<optim::Optimizer> {
          return std::make_unique<optim::NAdam>(p);
        }) == "p.step p.exp_avg p.exp_avg_sq p.mu_product ");
  CHECK(state_of([](const NamedTensors& p) -> std::unique_ptr<optim::Optimizer> {
          return std::make_unique<optim::RAdam>(p);
        }) == "p.step p.exp_avg p.exp_avg_sq ");
  CHECK(state_of([](const NamedTensors& p) -> std::unique_ptr<optim::Optimizer> {
          return std::make_unique<optim::Lion>(p);
        }) == "p.step p.exp_avg ");
}

TEST_CASE("options of these optimizers that make no sense are refused") {
  const NamedTensors p = {{"p", ones({2}).requires_grad_()}};
  CHECK(message_of([&] { optim::RMSprop(p, {.alpha = -0.9}); }) ==
        "[RMSprop] alpha must be in [0, 1], got -0.9. Hint: it is the share of the average that a "
        "step keeps; 0.99 is usual");
  CHECK(message_of([&] { optim::RMSprop(p, {.momentum = -1}); }) ==
        "[RMSprop] momentum must be a number of at least 0, got -1. Hint: 0 is none");
  CHECK(message_of([&] { optim::Adagrad(p, {.lr_decay = -0.9}); }) ==
        "[Adagrad] lr_decay must be a number of at least 0, got -0.9. Hint: 0 is none");
  CHECK(message_of([&] { optim::Adagrad(p, {.initial_accumulator_value = -1}); }) ==
        "[Adagrad] initial_accumulator_value must be a number of at least 0, got -1. Hint: 0 is "
        "none");
  CHECK(message_of([&] { optim::Adadelta(p, {.rho = 1.5}); }) ==
        "[Adadelta] rho must be in [0, 1], got 1.5. Hint: it is the share of the average that a "
        "step keeps; 0.9 is usual");
  CHECK(message_of([&] {
          optim::Adamax(p, {.betas = {0.9, 1.0}});
        }) ==
        "[Adamax] betas[1] must be in [0, 1), got 1. Hint: it is the share of the average that a "
        "step keeps; 0.9 and more are usual");
  CHECK(message_of([&] { optim::NAdam(p, {.momentum_decay = -1}); }) ==
        "[NAdam] momentum_decay must be a number of at least 0, got -1. Hint: 0 is none");
  CHECK(message_of([&] { optim::RAdam(p, {.eps = std::nan("")}); }) ==
        "[RAdam] eps must be a number of at least 0, got nan. Hint: it keeps the divisor from 0; "
        "1e-8 "
        "is usual");
  CHECK(message_of([&] {
          optim::Lion(p, {.betas = {-0.1, 0.99}});
        }) ==
        "[Lion] betas[0] must be in [0, 1), got -0.1. Hint: it is the share of the average that a "
        "step keeps; 0.9 and more are usual");
}

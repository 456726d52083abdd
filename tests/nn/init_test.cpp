// Initial values against the distributions that PyTorch draws from.
#include "../../nn/init.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "../../core/ops.h"
#include "../../nn/conv.h"
#include "../../nn/linear.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

namespace {

double std_of(const Tensor& t) {
  return stddev(t).item();
}

/// Within the bound, close to it on both sides, with mean 0 and the spread of a uniform.
void check_uniform(const Tensor& t, double bound) {
  CHECK(max(t).item() <= bound * (1 + 1e-6));
  CHECK(min(t).item() >= -bound * (1 + 1e-6));
  CHECK(max(t).item() > 0.95 * bound);
  CHECK(min(t).item() < -0.95 * bound);
  const double n = static_cast<double>(t.numel());
  CHECK(std::abs(mean(t).item()) < 4 * bound / std::sqrt(3 * n));
  CHECK(std_of(t) == doctest::Approx(bound / std::sqrt(3.0)).epsilon(4 / std::sqrt(n)));
}

void check_normal(const Tensor& t, double expected) {
  const double n = static_cast<double>(t.numel());
  CHECK(std::abs(mean(t).item()) < 4 * expected / std::sqrt(n));
  CHECK(std_of(t) == doctest::Approx(expected).epsilon(4 / std::sqrt(2 * n)));
}

}  // namespace

TEST_CASE("fans count the window") {
  CHECK(nn::fans(zeros({38, 4})).in == 4);
  CHECK(nn::fans(zeros({38, 4})).out == 38);
  CHECK(nn::fans(zeros({21, 27, 3, 3})).in == 243);
  CHECK(nn::fans(zeros({21, 27, 3, 3})).out == 189);
  CHECK(message_of([] { nn::kaiming_uniform_(zeros({3})); })
            .starts_with("[init] fan-in and fan-out need at least two dimensions [out, in, ...], "
                         "got [3]. Hint: "));
}

TEST_CASE("kaiming") {
  manual_seed(1);
  using nn::FanMode, nn::Nonlinearity;
  check_uniform(nn::kaiming_uniform_(zeros({96, 27, 3, 3}),
                                     {.mode = FanMode::fan_in, .nonlinearity = Nonlinearity::relu}),
                std::sqrt(6.0 / 243));
  check_normal(nn::kaiming_normal_(zeros({96, 27, 3, 3}),
                                   {.mode = FanMode::fan_out, .nonlinearity = Nonlinearity::tanh}),
               5.0 / 3 / std::sqrt(96.0 * 9));
  check_uniform(nn::kaiming_uniform_(zeros({100, 90}), {.a = 0.076}),
                std::sqrt(6.0 / (1 + 0.076 * 0.076) / 90));
}

TEST_CASE("xavier") {
  manual_seed(2);
  check_uniform(nn::xavier_uniform_(zeros({130, 160}), 1.661), 1.661 * std::sqrt(6.0 / 290));
  check_normal(nn::xavier_normal_(zeros({130, 160}, float64)), std::sqrt(2.0 / 290));
}

TEST_CASE("gains") {
  using nn::Nonlinearity;
  CHECK(nn::gain(Nonlinearity::linear) == 1);
  CHECK(nn::gain(Nonlinearity::sigmoid) == 1);
  CHECK(nn::gain(Nonlinearity::relu) == doctest::Approx(1.4142135623730951));
  CHECK(nn::gain(Nonlinearity::leaky_relu, std::sqrt(5.0)) == doctest::Approx(1 / std::sqrt(3.0)));
  CHECK(nn::gain(Nonlinearity::selu) == 0.75);
}

TEST_CASE("plain distributions and their limits") {
  manual_seed(3);
  const Tensor u = nn::uniform_(zeros({10000}), 2, 3);
  CHECK(min(u).item() >= 2);
  CHECK(max(u).item() < 3.0001);
  check_normal(sub(nn::normal_(zeros({10000}), 5, 0.5), 5), 0.5);
  CHECK(sum(nn::constant_(zeros({4}), 2.5)).item() == 10);
  CHECK(message_of([] { nn::uniform_(zeros({1}), 1, 0); }) ==
        "[uniform_] no numbers between 1 and 0. Hint: give the smaller one first");
  CHECK(message_of([] { nn::normal_(zeros({1}), 0, -1); }) ==
        "[normal_] standard deviation -1 is negative. Hint: 0 sets all elements to the mean");
  CHECK(nn::kaiming_uniform_(zeros({0, 3})).numel() == 0);
}

TEST_CASE("layers start as in PyTorch: weight and bias uniform in 1/sqrt(fan_in)") {
  manual_seed(4);
  const nn::Linear linear(49, 540);
  check_uniform(linear.weight, 1 / 7.0);
  check_uniform(linear.bias, 1 / 7.0);
  const nn::Conv2d conv({.in_channels = 4, .out_channels = 400, .kernel_size = 3, .groups = 4});
  check_uniform(conv.weight, 1 / 3.0);
  check_uniform(conv.bias, 1 / 3.0);
}

TEST_CASE("the same seed gives the same weights, another seed others") {
  const auto weights = [](uint64_t seed) {
    manual_seed(seed);
    return nn::Linear(5, 5).weight.to_vector<float>();
  };
  CHECK(weights(7) == weights(7));
  CHECK(weights(7) != weights(8));
}

// Losses of pairs of numbers: values by hand, edges, errors. Derivatives in general:
// tests/op_table.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "../../core/grad.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using test::check_close;
using test::message_of;
using Values = std::vector<double>;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// The gradient of the sum of f(x) with respect to x.
Values slopes(const std::function<Tensor(const Tensor&)>& f, Tensor x) {
  x.requires_grad_();
  const Tape tape;
  return test::values(grad(sum(f(x)), {x})[0]);
}

}  // namespace

TEST_CASE("l1_loss is the mean distance, with gradient 0 where both are equal") {
  const Tensor t = tensor({1.0, 2.0, 3.0});
  CHECK(l1_loss(tensor({1.0, 0.0, 7.0}), t).item() == 2);
  CHECK(l1_loss(tensor({1.0, 0.0, 7.0}), t, Reduction::sum).item() == 6);
  CHECK(test::values(l1_loss(tensor({1.0, 0.0, 7.0}), t, Reduction::none)) == Values{0, 2, 4});
  CHECK(slopes([&](const Tensor& x) { return l1_loss(x, t, Reduction::sum); },
               tensor({1.0, 0.0, 7.0})) == Values{0, -1, 1});
}

TEST_CASE("huber and smooth l1 are squares near zero and lines beyond") {
  const Tensor x = tensor({0.5, -2.0, 2.5}), zero = zeros({3}, float64);
  CHECK(test::values(huber_loss(x, zero, {.reduction = Reduction::none, .delta = 2})) ==
        Values{0.125, 2, 3});
  CHECK(test::values(smooth_l1_loss(x, zero, {.reduction = Reduction::none, .beta = 2})) ==
        Values{0.0625, 1, 1.5});
  CHECK(slopes([&](const Tensor& y) { return huber_loss(y, zero, {.reduction = Reduction::sum}); },
               tensor({0.5, 1.0, -inf})) == Values{0.5, 1, -1});
}

TEST_CASE("smooth l1 with beta 0 is l1") {
  const Tensor x = tensor({0.5, 0.0, -2.5}), zero = zeros({3}, float64);
  CHECK(smooth_l1_loss(x, zero, {.beta = 0}).item() == l1_loss(x, zero).item());
}

TEST_CASE("thresholds of the wrong sign are refused") {
  const Tensor x = ones({2});
  CHECK(message_of([&] { smooth_l1_loss(x, x, {.beta = -1}); }) ==
        "[smooth_l1_loss] beta must not be negative, got -1. Hint: it is the error from which the "
        "loss grows linearly; 1 is usual, 0 is l1_loss()");
  CHECK(message_of([&] { huber_loss(x, x, {.delta = 0}); }) ==
        "[huber_loss] delta must be positive, got 0. Hint: it is the error from which the loss "
        "grows linearly; 1 is usual");
  CHECK(message_of([&] { huber_loss(x, x, {.delta = std::nan("")}); }) ==
        "[huber_loss] delta must be positive, got nan. Hint: it is the error from which the loss "
        "grows linearly; 1 is usual");
}

TEST_CASE("no loss of pairs broadcasts") {
  const Tensor column = zeros({4, 1}), row = zeros({4});
  CHECK(message_of([&] { l1_loss(column, row); }) ==
        "[l1_loss] input [4,1] and target [4] differ. Hint: a silent broadcast would average the "
        "wrong pairs");
  CHECK_THROWS_AS(smooth_l1_loss(column, row), ShapeError);
  CHECK_THROWS_AS(huber_loss(column, row), ShapeError);
  CHECK_THROWS_AS(binary_cross_entropy(column, row), ShapeError);
  CHECK_THROWS_AS(binary_cross_entropy_with_logits(column, row), ShapeError);
  CHECK_THROWS_AS(kl_div(column, row), ShapeError);
  CHECK_THROWS_AS(gaussian_nll_loss(column, row, column), ShapeError);
  CHECK_THROWS_AS(poisson_nll_loss(column, row), ShapeError);
  CHECK_THROWS_AS(soft_margin_loss(column, row), ShapeError);
  CHECK_THROWS_AS(l1_loss(row, row.to(float64)), DTypeError);
}

TEST_CASE("binary cross entropy is finite for certain and wrong predictions") {
  const Tensor x = tensor({0.0, 1.0, 0.0, 1.0, 0.25}), t = tensor({0.0, 1.0, 1.0, 0.0, 1.0});
  check_close(binary_cross_entropy(x, t, {.reduction = Reduction::none}),
              tensor({0.0, 0.0, 100.0, 100.0, std::log(4.0)}));
  // As in PyTorch: (x - t) / max(x (1 - x), 1e-12), where 1e-12 is a float.
  CHECK(slopes(
            [&](const Tensor& y) {
              return binary_cross_entropy(y, t, {.reduction = Reduction::sum});
            },
            x.clone()) == Values{0, 0, -1 / double{1e-12F}, 1 / double{1e-12F}, -4});
}

TEST_CASE("binary cross entropy wants probabilities") {
  const Tensor t = ones({2});
  const std::pair<Tensor, std::string> cases[] = {
      {tensor({0.5F, 1.5F}), "1.5 at [1] of [2]"},
      {tensor({-0.5F, 7.0F}), "-0.5 at [0] of [2]"},
      {tensor({0.5F, std::numeric_limits<float>::quiet_NaN()}), "nan at [1] of [2]"}};
  for (const auto& [input, place] : cases) {
    const Tensor x = input;
    CHECK(message_of([&] { binary_cross_entropy(x, t); }) ==
          str("[binary_cross_entropy] an input is not in [0, 1]: ", place,
              ". Hint: apply sigmoid(), or "
              "use binary_cross_entropy_with_logits"));
  }
}

TEST_CASE("weights of binary cross entropy multiply and do not divide the mean") {
  const Tensor x = tensor({0.5, 0.5, 0.5, 0.5}, {2, 2}), t = ones({2, 2}, float64);
  const double log2 = std::log(2.0);
  CHECK(binary_cross_entropy(x, t, {.weight = tensor({1.0, 3.0})}).item() ==
        doctest::Approx(2 * log2));
  CHECK(message_of([&] {
          binary_cross_entropy(x, t, {.weight = ones({3, 2, 2}, float64)});
        }) ==
        "[binary_cross_entropy] weight [3,2,2] does not expand to the input's shape [2,2]. Hint: "
        "sizes must be equal or 1, compared from the last dimension backwards");
}

TEST_CASE("binary cross entropy from logits agrees with that from probabilities") {
  const Tensor x = test::random({4, 3}), t = sigmoid(test::random({4, 3}, 2));
  check_close(binary_cross_entropy_with_logits(x, t), binary_cross_entropy(sigmoid(x), t));
  // pos_weight multiplies the term of the target, class by class.
  const Tensor weight = tensor({1.0, 2.0, 5.0}), p = sigmoid(x);
  check_close(
      binary_cross_entropy_with_logits(x, t, {.pos_weight = weight, .reduction = Reduction::none}),
      neg(weight * t * log(p) + (1 - t) * log(1 - p)));
}

TEST_CASE("binary cross entropy from logits keeps small losses of certain predictions") {
  const Tensor x = tensor({40.0, -40.0, 1000.0, -1000.0}), t = tensor({1.0, 0.0, 0.0, 1.0});
  const Values y =
      test::values(binary_cross_entropy_with_logits(x, t, {.reduction = Reduction::none}));
  CHECK(y[0] == doctest::Approx(std::exp(-40.0)).epsilon(1e-12));
  CHECK(y[1] == doctest::Approx(std::exp(-40.0)).epsilon(1e-12));
  CHECK(y[2] == 1000);
  CHECK(y[3] == 1000);
}

TEST_CASE("kl_div is the divergence of the target; a target of 0 counts nothing") {
  const Tensor t = tensor({0.5, 0.5, 0.0, 1.0}, {2, 2});
  const Tensor x = log(tensor({0.25, 0.75, 0.0, 1.0}, {2, 2}));
  const double expected = 0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3);
  CHECK(kl_div(x, t, {.reduction = KlReduction::sum}).item() == doctest::Approx(expected));
  CHECK(kl_div(x, t, {.reduction = KlReduction::batchmean}).item() ==
        doctest::Approx(expected / 2));
  CHECK(kl_div(x, t).item() == doctest::Approx(expected / 4));
  CHECK(slopes([&](const Tensor& y) { return kl_div(y, t, {.reduction = KlReduction::sum}); },
               x.clone()) == Values{-0.5, -0.5, 0, -1});
}

TEST_CASE("kl_div of log-probabilities is that of probabilities") {
  const Tensor x = log_softmax(test::random({3, 4}), 1),
               t = log_softmax(test::random({3, 4}, 2), 1);
  check_close(kl_div(x, t, {.log_target = true}), kl_div(x, exp(t)));
  CHECK(message_of([] { kl_div(zeros({}), ones({}), {.reduction = KlReduction::batchmean}); }) ==
        "[kl_div] batchmean needs a batch dimension, got an input []. Hint: use Reduction::mean or "
        "Reduction::sum");
}

TEST_CASE("gaussian_nll_loss is the negative logarithm of a normal density") {
  const Tensor x = tensor({1.0, 2.0}), t = tensor({0.0, 2.0}), v = tensor({4.0, 0.25});
  const Tensor y = gaussian_nll_loss(x, t, v, {.full = true, .reduction = Reduction::none});
  const auto density = [](double d, double variance) {
    return std::exp(-d * d / (2 * variance)) / std::sqrt(2 * std::numbers::pi * variance);
  };
  check_close(y, tensor({-std::log(density(1, 4)), -std::log(density(0, 0.25))}));
  // One variance for each sample.
  CHECK(gaussian_nll_loss(zeros({3, 2}), zeros({3, 2}), ones({3, 1})).item() == 0);
  CHECK_THROWS_AS(gaussian_nll_loss(zeros({3, 2}), zeros({3, 2}), ones({3})), ShapeError);
  CHECK(message_of([&] { gaussian_nll_loss(x, t, neg(v)); }) ==
        "[gaussian_nll_loss] a variance is negative or NaN: -4 at [0] of [2]. Hint: exp() or "
        "softplus() of what a net gives is positive");
}

TEST_CASE("gaussian_nll_loss bounds the variance and lets its gradient pass") {
  const Tensor x = tensor({0.0});
  const Values slope = slopes(
      [&](const Tensor& v) { return gaussian_nll_loss(x, x, v, {.eps = 0.5}); }, tensor({0.0}));
  CHECK(slope == Values{1});  // 1 / (2 v) at v = 0.5
}

TEST_CASE("poisson_nll_loss, from a rate or its logarithm") {
  const Tensor rate = tensor({2.0, 3.0}), t = tensor({1.0, 4.0});
  const Tensor expected = tensor({2 - std::log(2.0), 3 - 4 * std::log(3.0)});
  check_close(poisson_nll_loss(log(rate), t, {.reduction = Reduction::none}), expected);
  check_close(
      poisson_nll_loss(rate, t, {.log_input = false, .eps = 0, .reduction = Reduction::none}),
      expected);
  const double stirling =
      4 * std::log(4.0) - 4 + 0.5 * std::log(8 * std::numbers::pi);  // of 4; 1 has none
  check_close(poisson_nll_loss(log(rate), t, {.full = true, .reduction = Reduction::none}),
              add(expected, tensor({0.0, stirling})));
}

TEST_CASE("margin losses") {
  const Tensor a = tensor({2.0, 0.0, 1.0}), b = tensor({1.0, 3.0, 1.5}),
               t = tensor({1.0, 1.0, -1.0});
  CHECK(test::values(margin_ranking_loss(a, b, t, {.margin = 0.5, .reduction = Reduction::none})) ==
        Values{0, 3.5, 0});
  CHECK(test::values(hinge_embedding_loss(tensor({0.3, 0.3, 2.0}), tensor({1.0, -1.0, -1.0}),
                                          {.reduction = Reduction::none})) == Values{0.3, 0.7, 0});
  check_close(soft_margin_loss(a, t), mean(log1p(exp(neg(mul(a, t))))));
  CHECK(
      message_of([&] { hinge_embedding_loss(a, zeros({3}, float64)); }) ==
      "[hinge_embedding_loss] a target is neither 1 nor -1: 0 at [0] of [3]. Hint: 2 * t - 1 makes "
      "such targets of zeros and ones");
  const Tensor mixed = tensor({1.0, -1.0, 1.0, 0.5}, {2, 2});
  CHECK(message_of([&] { hinge_embedding_loss(mixed, mixed); }).find("0.5 at [1,1] of [2,2]") !=
        std::string::npos);
}

TEST_CASE("cosine_embedding_loss looks at directions alone") {
  const Tensor a = tensor({3.0, 0.0, 1.0, 1.0}, {2, 2}), b = tensor({7.0, 0.0, 2.0, 0.0}, {2, 2});
  const double cosine = 1 / std::sqrt(2.0);
  check_close(cosine_embedding_loss(a, b, tensor({1.0, 1.0}), {.reduction = Reduction::none}),
              tensor({0.0, 1 - cosine}), 1e-11);
  check_close(cosine_embedding_loss(a, b, tensor({-1.0, -1.0}),
                                    {.margin = 0.5, .reduction = Reduction::none}),
              tensor({0.5, cosine - 0.5}), 1e-11);
  CHECK(message_of([&] {
          cosine_embedding_loss(a, b, tensor({1.0}));
        }).starts_with("[cosine_embedding_loss] expected [N,D], [N,D] and a target [N]"));
}

TEST_CASE("losses of numbers whose squares are no floats") {
  const Tensor a = tensor({3e20F, 4e20F}, {1, 2}), b = tensor({8e20F, 6e20F}, {1, 2});
  CHECK(cosine_embedding_loss(a, b, ones({1})).item() == doctest::Approx(1 - 0.96));
  const Tensor x = tensor({4e19F}), variance = tensor({1e38F});
  CHECK(gaussian_nll_loss(x, zeros({1}), variance).item() ==
        doctest::Approx((std::log(1e38) + 16) / 2));
}

TEST_CASE("multi_margin_loss is the mean hinge over the wrong classes") {
  const Tensor x = tensor({0.1, 0.2, 0.4, 0.8}, {1, 4});
  const Tensor t = tensor<int64_t>({3});
  // The sum of 1 - 0.8 + x over the other three, by 4 classes.
  CHECK(multi_margin_loss(x, t).item() == doctest::Approx(0.325));
  CHECK(multi_margin_loss(x, t, {.p = 2}).item() ==
        doctest::Approx((0.3 * 0.3 + 0.4 * 0.4 + 0.6 * 0.6) / 4));
  CHECK(multi_margin_loss(select(x, 0, 0), select(t, 0, 0)).item() == doctest::Approx(0.325));
  CHECK(message_of([&] { multi_margin_loss(x, t, {.p = 3}); }) ==
        "[multi_margin_loss] p must be 1 or 2, got 3. Hint: 1 is the hinge, 2 its square");
  CHECK_THROWS_AS(multi_margin_loss(x, tensor<int64_t>({4})), IndexError);
}

TEST_CASE("targets get gradients too") {
  const Tensor x = tensor({0.3, 0.6}).requires_grad_(), t = tensor({0.2, 0.9}).requires_grad_();
  const Tape tape;
  const auto gradient = [&](const Tensor& loss) { return test::values(grad(loss, {t})[0]); };
  CHECK(gradient(l1_loss(x, t, Reduction::sum)) == Values{-1, 1});
  const Values of_logits = gradient(binary_cross_entropy_with_logits(x, t));
  CHECK(of_logits[0] == doctest::Approx(-0.15));  // -x, by two
  CHECK(gradient(binary_cross_entropy(x, t))[0] == doctest::Approx(std::log(0.7 / 0.3) / 2));
}

TEST_CASE("losses of nothing: no error, sum 0, mean NaN") {
  const Tensor none = zeros({0});
  for (auto loss : {l1_loss, mse_loss, soft_margin_loss}) {
    CHECK(loss(none, none, Reduction::sum).item() == 0);
    CHECK(std::isnan(loss(none, none, Reduction::mean).item()));
  }
  CHECK(binary_cross_entropy(none, none, {.reduction = Reduction::sum}).item() == 0);
}

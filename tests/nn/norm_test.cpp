#include "../../nn/norm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../../core/tape.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

namespace {

std::vector<double> values(const Tensor& t) {
  return t.to(float64).to_vector<double>();
}

nn::BatchNorm2d double_layer(const nn::BatchNorm2dOptions& options) {
  nn::BatchNorm2d layer(options);
  layer.to(float64);
  return layer;
}

/// One channel with values 0, 2, 4, 6: mean 3, biased variance 5, unbiased 20/3.
Tensor four_values() {
  return tensor({0.0, 2.0, 4.0, 6.0}, {2, 1, 1, 2});
}

}  // namespace

TEST_CASE("training normalizes with the biased variance, running_var gets the unbiased one") {
  nn::BatchNorm2d bn = double_layer({.num_features = 1, .eps = 0});
  const std::vector<double> y = values(bn(four_values()));
  CHECK(y[0] == doctest::Approx(-3 / std::sqrt(5.0)));
  CHECK(y[3] == doctest::Approx(3 / std::sqrt(5.0)));
  CHECK(bn.running_mean.item() == doctest::Approx(0.1 * 3));
  CHECK(bn.running_var.item() == doctest::Approx(0.9 + 0.1 * 20 / 3));
  CHECK(bn.num_batches_tracked.item() == 1);
}

TEST_CASE("evaluation uses the running statistics and leaves them") {
  nn::BatchNorm2d bn = double_layer({.num_features = 1, .eps = 0});
  bn.running_mean.fill_(1);
  bn.running_var.fill_(4);
  bn.eval();
  CHECK(values(bn(four_values())) == std::vector<double>{-0.5, 0.5, 1.5, 2.5});
  CHECK(bn.running_mean.item() == 1);
  CHECK(bn.num_batches_tracked.item() == 0);
}

TEST_CASE("without momentum the statistics are the average of all batches") {
  nn::BatchNorm2d bn = double_layer({.num_features = 1, .momentum = std::nullopt});
  bn(four_values());
  bn(four_values() + 3.0);
  bn(four_values() + 6.0);
  CHECK(bn.running_mean.item() == doctest::Approx(6));
  CHECK(bn.running_var.item() == doctest::Approx(20.0 / 3));
  CHECK(bn.num_batches_tracked.item() == 3);
}

TEST_CASE("without tracking the batch is used in both modes and there are no buffers") {
  nn::BatchNorm2d bn = double_layer({.num_features = 1, .track_running_stats = false});
  CHECK(bn.named_buffers().empty());
  const std::vector<double> y = values(bn(four_values()));
  bn.eval();
  CHECK(values(bn(four_values())) == y);
  CHECK(message_of([&] {
          bn.freeze({.statistics = true});
        }).starts_with("[BatchNorm2d] has no running statistics to freeze"));
}

TEST_CASE("without affine there are no parameters") {
  nn::BatchNorm2d bn({.num_features = 3, .affine = false});
  CHECK(bn.named_parameters().empty());
  CHECK(bn(ones({2, 3, 2, 2})).shape() == Shape{2, 3, 2, 2});
}

TEST_CASE("one value per channel is refused in training before anything changes") {
  nn::BatchNorm2d bn(3);
  CHECK(message_of([&] {
          bn(ones({1, 3, 1, 1}));
        }) ==
        "[BatchNorm2d] expected more than 1 value per channel when training, got input "
        "[1,3,1,1]. Hint: the variance of one value is 0: drop a last batch of one sample, or "
        "call eval()");
  CHECK(bn.num_batches_tracked.item() == 0);
  CHECK(values(bn.running_var) == std::vector<double>{1, 1, 1});
  bn.eval();
  CHECK(bn(ones({1, 3, 1, 1})).shape() == Shape{1, 3, 1, 1});
}

TEST_CASE("an empty batch gives an empty result and leaves the statistics") {
  nn::BatchNorm2d bn(3);
  Tape tape;
  const Tensor y = bn(ones({0, 3, 2, 2}));
  CHECK(y.shape() == Shape{0, 3, 2, 2});
  CHECK(bn.num_batches_tracked.item() == 0);
  CHECK(values(bn.running_mean) == std::vector<double>{0, 0, 0});
  tape.backward(sum(y));
  CHECK(values(bn.weight.grad()) == std::vector<double>{0, 0, 0});
}

TEST_CASE("wrong inputs are refused and leave the statistics") {
  nn::BatchNorm2d bn(3);
  CHECK(message_of([&] {
          bn(ones({2, 3, 4}));
        }) ==
        "[BatchNorm2d] expected [N,C,H,W], got [2,3,4]. Hint: the number in the layer's name "
        "counts the dimensions after the channels");
  CHECK(message_of([&] {
          bn(ones({2, 3}));
        }) ==
        "[BatchNorm2d] expected [N,C,H,W], got [2,3]. Hint: rows [N,C] go through BatchNorm1d");
  CHECK(message_of([&] {
          bn(ones({2, 7, 7, 3}));
        }) ==
        "[BatchNorm2d] expected 3 channels, got 7: input [2,7,7,3]. Hint: channels are dimension "
        "1, also of images: [N,C,H,W]");
  CHECK(message_of([&] {
          bn(ones({2, 3, 2, 2}, float64));
        }).starts_with("[BatchNorm2d] input [2,3,2,2] is float64, the statistics are float32"));
  nn::BatchNorm2d loose({.num_features = 3, .affine = false, .track_running_stats = false});
  CHECK_THROWS_AS(loose(ones({2, 4, 2, 2})), ShapeError);
  CHECK_THROWS_AS(loose(zeros({2, 3, 2, 2}, int64)), DTypeError);
  CHECK(bn.num_batches_tracked.item() == 0);
}

TEST_CASE("options out of range are refused") {
  CHECK(message_of([] { nn::BatchNorm2d(0); }) ==
        "[BatchNorm2d] num_features must be at least 1, got 0. Hint: sizes, steps and counts start "
        "at 1");
  CHECK(message_of([] { nn::BatchNorm2d({.num_features = 1, .eps = -1}); }) ==
        "[BatchNorm2d] eps must not be negative, got -1. Hint: it keeps a variance of 0 from being "
        "divided by; 1e-5 is usual");
  CHECK(message_of([] {
          nn::BatchNorm2d({.num_features = 1, .momentum = 2});
        }).starts_with("[BatchNorm2d] momentum must be in [0, 1], got 2"));
}

TEST_CASE("frozen statistics stay frozen through train") {
  nn::BatchNorm2d bn = double_layer({.num_features = 1, .eps = 0});
  bn.running_mean.fill_(1);
  bn.freeze({.statistics = true});
  bn.eval();
  bn.train();
  CHECK(values(bn(four_values())) == std::vector<double>{-1, 1, 3, 5});
  CHECK(bn.running_mean.item() == 1);
  CHECK(bn.weight.requires_grad());
  bn.freeze({});
  bn(four_values());
  CHECK(bn.running_mean.item() == doctest::Approx(0.9 + 0.3));
}

TEST_CASE("a frozen affine part stays frozen through train, and is set free again") {
  nn::BatchNorm2d bn(3);
  bn.freeze({.affine = true});
  bn.train();
  CHECK_FALSE(bn.weight.requires_grad());
  CHECK_FALSE(bn.bias.requires_grad());
  CHECK_FALSE(bn.has_frozen_statistics());
  bn.freeze({.statistics = true});
  CHECK(bn.weight.requires_grad());
  CHECK(bn.has_frozen_statistics());
}

TEST_CASE("statistics can be reset after a batch that was not finite") {
  nn::BatchNorm2d bn(1);
  bn(full({2, 1, 2, 2}, std::numeric_limits<double>::quiet_NaN()));
  CHECK_FALSE(all_finite(bn.running_mean));
  bn.reset_running_stats();
  CHECK(bn.running_mean.item() == 0);
  CHECK(bn.running_var.item() == 1);
  CHECK(bn.num_batches_tracked.item() == 0);
}

TEST_CASE("updating the statistics in training does not disturb a recorded evaluation") {
  for (NormForm form : {NormForm::fused, NormForm::composed}) {
    nn::BatchNorm2d bn = double_layer({.num_features = 1});
    bn.set_form(form);
    Tensor x = four_values();
    x.requires_grad_();
    Tape tape;
    bn.eval();
    const Tensor y = bn(x);
    bn.train();
    bn(four_values());
    CHECK(bn.running_mean.item() != 0);
    tape.backward(sum(y * y));
    // d/dx of sum(y^2), y = x / sqrt(1 + eps) with the statistics of the evaluation.
    CHECK(values(x.grad())[1] == doctest::Approx(2 * 2 / (1 + 1e-5)));
  }
}

TEST_CASE("one dimensional batch norm takes [N,C] and [N,C,L], three dimensional [N,C,D,H,W]") {
  nn::BatchNorm1d one(3);
  CHECK(one(ones({2, 3})).shape() == Shape{2, 3});
  CHECK(one(ones({2, 3, 5})).shape() == Shape{2, 3, 5});
  CHECK_THROWS_AS(one(ones({3})), ShapeError);
  CHECK_THROWS_AS(one(ones({2, 3, 2, 2})), ShapeError);
  nn::BatchNorm3d three(2);
  CHECK(three(ones({1, 2, 2, 2, 2})).shape() == Shape{1, 2, 2, 2, 2});
  CHECK_THROWS_AS(three(ones({1, 2, 2, 2})), ShapeError);
}

TEST_CASE(
    "a norm without running statistics says in evaluation what it lacks, not to call eval()") {
  nn::BatchNorm2d norm({.num_features = 3, .track_running_stats = false});
  norm.eval();
  CHECK(message_of([&] {
          norm(ones({1, 3, 1, 1}));
        }) ==
        "[BatchNorm2d] expected more than 1 value per channel in evaluation without running "
        "statistics, got input [1,3,1,1]. Hint: the variance of one value is 0: drop a last batch "
        "of one sample, or build the layer with track_running_stats, for evaluation");
}

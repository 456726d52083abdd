// Instance, layer, group, root mean square and local response norm as layers.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/norm.h"
#include "../../nn/sequential.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

namespace {

std::vector<double> values(const Tensor& t) {
  return t.to(float64).to_vector<double>();
}

std::vector<std::string> names(const NamedTensors& list) {
  std::vector<std::string> result;
  for (const NamedTensor& t : list) result.push_back(t.name);
  return result;
}

Tensor random(const Shape& shape) {
  Rng g(1);
  return randn(shape, g);
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("parameters and buffers have PyTorch's names and order") {
  CHECK(names(nn::InstanceNorm2d(3).state_dict()).empty());
  const nn::InstanceNorm2d full({.num_features = 3, .affine = true, .track_running_stats = true});
  CHECK(names(full.state_dict()) ==
        Names{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});
  CHECK(names(nn::LayerNorm(4).state_dict()) == Names{"weight", "bias"});
  CHECK(nn::LayerNorm({.normalized_shape = {2, 3}}).bias.shape() == Shape{2, 3});
  CHECK(names(nn::LayerNorm({.normalized_shape = {4}, .bias = false}).state_dict()) ==
        Names{"weight"});
  CHECK(names(nn::LayerNorm({.normalized_shape = {4}, .elementwise_affine = false}).state_dict())
            .empty());
  CHECK(names(nn::GroupNorm(2, 4).state_dict()) == Names{"weight", "bias"});
  CHECK(names(nn::GroupNorm({2, 4, 1e-5, false}).state_dict()).empty());
  CHECK(names(nn::RMSNorm(4).state_dict()) == Names{"weight"});
  CHECK(nn::LocalResponseNorm(2).state_dict().empty());
}

TEST_CASE("every norm keeps the shape of its input, a batch of one and no batch at all included") {
  CHECK(nn::InstanceNorm1d(3)(random({1, 3, 4})).shape() == Shape{1, 3, 4});
  CHECK(nn::InstanceNorm1d(3)(random({3, 4})).shape() == Shape{3, 4});
  CHECK(nn::InstanceNorm2d(3)(random({3, 4, 2})).shape() == Shape{3, 4, 2});
  CHECK(nn::InstanceNorm3d(3)(random({3, 4, 2, 2})).shape() == Shape{3, 4, 2, 2});
  CHECK(nn::LayerNorm(4)(random({4})).shape() == Shape{4});
  CHECK(nn::LayerNorm({.normalized_shape = {3, 4}})(random({1, 3, 4})).shape() == Shape{1, 3, 4});
  CHECK(nn::RMSNorm(4)(random({2, 1, 4})).shape() == Shape{2, 1, 4});
  CHECK(nn::GroupNorm(2, 4)(random({1, 4})).shape() == Shape{1, 4});
  CHECK(nn::GroupNorm(2, 4)(random({1, 4, 2, 3, 2})).shape() == Shape{1, 4, 2, 3, 2});
  CHECK(nn::LocalResponseNorm(2)(random({1, 3, 2})).shape() == Shape{1, 3, 2});
}

TEST_CASE("an input without batch is normalized as a batch of one") {
  const Tensor x = random({3, 4, 2});
  nn::InstanceNorm2d norm({.num_features = 3, .affine = true, .track_running_stats = true});
  const std::vector<double> alone = values(norm(x));
  const std::vector<double> mean_alone = values(norm.running_mean);
  norm.reset_running_stats();
  CHECK(alone == values(norm(unsqueeze(x, 0))));
  CHECK(mean_alone == values(norm.running_mean));
  norm.eval();
  CHECK(values(norm(x)) == values(norm(unsqueeze(x, 0))));
}

TEST_CASE("an empty batch gives an empty result, with gradients of zero") {
  nn::Sequential net;
  net.add("instance",
          nn::InstanceNorm2d({.num_features = 4, .affine = true, .track_running_stats = true}));
  net.add("group", nn::GroupNorm(2, 4));
  net.add("layer", nn::LayerNorm({.normalized_shape = {4, 2, 3}}));
  net.add("rms", nn::RMSNorm(3));
  net.add("local", nn::LocalResponseNorm(2));
  for (NormForm form : {NormForm::fused, NormForm::composed}) {
    nn::set_norm_form(net, form);
    net.zero_grad();
    const NamedTensors before = net.state_dict();
    {
      Tape tape;
      const Tensor y = net(zeros({0, 4, 2, 3}));
      CHECK(y.shape() == Shape{0, 4, 2, 3});
      tape.backward(sum(y));
    }
    const NamedTensors after = net.state_dict();
    for (size_t i = 0; i < before.size(); ++i) {
      CHECK(values(before[i].tensor) == values(after[i].tensor));
    }
    for (const NamedTensor& p : net.named_parameters()) {
      CAPTURE(p.name);
      REQUIRE(p.tensor.grad().defined());
      CHECK(amax(abs(p.tensor.grad())).item() == 0);
    }
  }
}

TEST_CASE("running statistics of instance norm are means over the samples") {
  // Two samples of one channel: 0, 2 with mean 1, variance 1 (unbiased 2), and 10, 16 with 13, 9.
  nn::InstanceNorm1d norm({.num_features = 1, .momentum = 0.5, .track_running_stats = true});
  norm(tensor({0.0F, 2.0F, 10.0F, 16.0F}, {2, 1, 2}));
  CHECK(norm.running_mean.item() == doctest::Approx(0.5 * 7));
  CHECK(norm.running_var.item() == doctest::Approx(0.5 + 0.5 * (2 + 18) / 2));
  CHECK(norm.num_batches_tracked.item() == 0);  // as in PyTorch
}

TEST_CASE("instance norm without momentum averages all batches, and counts them") {
  nn::InstanceNorm1d norm(
      {.num_features = 1, .momentum = std::nullopt, .track_running_stats = true});
  for (float shift : {0.0F, 3.0F, 6.0F}) norm(tensor({shift, shift + 2}, {1, 1, 2}));
  CHECK(norm.running_mean.item() == doctest::Approx(4));
  CHECK(norm.running_var.item() == doctest::Approx(2));
  CHECK(norm.num_batches_tracked.item() == 3);
}

TEST_CASE("instance norm with running statistics evaluates as batch norm does") {
  nn::InstanceNorm2d instance({.num_features = 3, .affine = true, .track_running_stats = true});
  nn::BatchNorm2d batch(3);
  instance(random({4, 3, 2, 5}));
  instance.weight.fill_(1.5);
  batch.load_state_dict(instance.state_dict());
  instance.eval();
  batch.eval();
  const Tensor x = random({1, 3, 1, 1});
  CHECK(values(instance(x)) == values(batch(x)));
}

TEST_CASE("instance norm without running statistics does the same in both modes") {
  nn::InstanceNorm2d norm(2);
  CHECK_FALSE(norm.depends_on_mode());
  const Tensor x = random({2, 2, 3, 3});
  const std::vector<double> trained = values(norm(x));
  norm.eval();
  CHECK(values(norm(x)) == trained);
}

TEST_CASE("one value to normalize is refused, by the name of the layer, before anything changes") {
  nn::Sequential net;
  auto& instance =
      net.add("style", nn::InstanceNorm2d({.num_features = 3, .track_running_stats = true}));
  CHECK(message_of([&] {
          net(ones({2, 3, 1, 1}));
        }) ==
        "[InstanceNorm2d] (style) expected more than 1 value per channel and sample when training, "
        "got input [2,3,1,1]. Hint: the variance of one value is 0: norms over one position leave "
        "the bias alone");
  CHECK(values(instance.running_mean) == std::vector<double>{0, 0, 0});
  CHECK(values(instance.running_var) == std::vector<double>{1, 1, 1});
  net.eval();
  CHECK(net(ones({2, 3, 1, 1})).shape() == Shape{2, 3, 1, 1});

  nn::Sequential groups;
  groups.add("bad", nn::GroupNorm(3, 3));
  CHECK(message_of([&] {
          groups(ones({2, 3}));
        }) ==
        "[GroupNorm] (bad) expected more than 1 value per group, got input [2,3]. Hint: the "
        "variance of one value is 0: take fewer groups");

  // A layer norm over one value gives the bias, as in PyTorch.
  CHECK(values(nn::LayerNorm(1)(ones({2, 1}))) == std::vector<double>{0, 0});
}

TEST_CASE("inputs that do not fit are refused with every shape") {
  nn::InstanceNorm2d instance(3);
  CHECK(message_of([&] {
          instance(ones({2, 3}));
        }) ==
        "[InstanceNorm2d] expected [N,C,H,W] or [C,H,W], got [2,3]. Hint: the number in the "
        "layer's name counts the dimensions after the channels");
  CHECK(message_of([&] {
          instance(ones({2, 3, 2, 2, 2}));
        }) ==
        "[InstanceNorm2d] expected [N,C,H,W] or [C,H,W], got [2,3,2,2,2]. Hint: the number in the "
        "layer's name counts the dimensions after the channels");
  CHECK(message_of([&] {
          instance(ones({2, 4, 2, 2}));
        }) ==
        "[InstanceNorm2d] expected 3 channels, got 4: input [2,4,2,2]. Hint: channels are "
        "dimension 1, also of images: [N,C,H,W]");
  CHECK(message_of([] {
          nn::GroupNorm(2, 6)(ones({2, 8, 3}));
        }) ==
        "[GroupNorm] expected 6 channels, got 8: input [2,8,3]. Hint: channels are dimension 1, "
        "also of images: [N,C,H,W]");
  CHECK(
      message_of([] { nn::GroupNorm(2, 6)(ones({6})); }) ==
      "[GroupNorm] expected [N,C,...], got [6]. Hint: unsqueeze(x, 0) makes a batch of one sample");
  CHECK(message_of([] {
          nn::LayerNorm(3)(ones({2, 4}));
        }).starts_with("[layer_norm] normalized_shape [3] is not how input [2,4] ends"));
  CHECK(message_of([] {
          nn::RMSNorm(3)(ones({2, 4}));
        }).starts_with("[rms_norm] normalized_shape [3] is not how input [2,4] ends"));
  CHECK(message_of([] {
          nn::LocalResponseNorm(2)(ones({2, 4}));
        }) ==
        "[local_response_norm] expected [N,C,...] with three dimensions or more, got [2,4]. Hint: "
        "unsqueeze(x, -1) adds a last dimension to [N,C]");
  CHECK_THROWS_AS(nn::LayerNorm(3)(ones({2, 3}, float64)), DTypeError);
  CHECK_THROWS_AS(nn::RMSNorm(3)(ones({2, 3}, int64)), DTypeError);
}

TEST_CASE("options that make no sense are refused") {
  CHECK(message_of([] { nn::GroupNorm(2, 7); }) ==
        "[GroupNorm] num_channels 7 is not divisible by num_groups 2. Hint: all groups have the "
        "same number of channels");
  CHECK(
      message_of([] { nn::GroupNorm(0, 3); }) ==
      "[GroupNorm] num_groups must be at least 1, got 0. Hint: sizes, steps and counts start at 1");
  CHECK(message_of([] { nn::LayerNorm({.normalized_shape = {}}); }) ==
        "[LayerNorm] normalized_shape must have at least one size and none below 1, got []. Hint: "
        "give the sizes of the last dimensions of the input");
  CHECK(message_of([] {
          nn::RMSNorm({.normalized_shape = {2, 0}});
        }) ==
        "[RMSNorm] normalized_shape must have at least one size and none below 1, got [2,0]. Hint: "
        "give the sizes of the last dimensions of the input");
  CHECK(message_of([] { nn::LayerNorm({.normalized_shape = {2}, .eps = -1}); }) ==
        "[LayerNorm] eps must not be negative, got -1. Hint: it keeps a variance of 0 from being "
        "divided by; 1e-5 is usual");
  CHECK(message_of([] {
          nn::RMSNorm({.normalized_shape = {2}, .eps = std::nan("")});
        }).starts_with("[RMSNorm] eps must not be negative"));
  CHECK(message_of([] { nn::LocalResponseNorm(0); }) ==
        "[LocalResponseNorm] size must be at least 1, got 0. Hint: sizes, steps and counts start "
        "at 1");
  CHECK(message_of([] { nn::InstanceNorm1d(-2); }) ==
        "[InstanceNorm1d] num_features must be at least 1, got -2. Hint: sizes, steps and counts "
        "start at 1");
}

TEST_CASE("root mean square norm takes the machine epsilon where no eps is given") {
  nn::RMSNorm norm({.normalized_shape = {2}, .elementwise_affine = false});
  const double eps = std::numeric_limits<float>::epsilon();
  const std::vector<double> y = values(norm(tensor({3e-4F, 4e-4F}, {1, 2})));
  CHECK(y[0] == doctest::Approx(3e-4 / std::sqrt(12.5e-8 + eps)));
  const std::vector<double> y64 = values(norm(tensor({3e-4, 4e-4}, {1, 2})));
  CHECK(y64[0] == doctest::Approx(3 / std::sqrt(12.5)));
}

TEST_CASE("statistics can be frozen only where there are any") {
  nn::LayerNorm layer(4);
  CHECK(message_of([&] { layer.freeze({.statistics = true}); }) ==
        "[LayerNorm] has no running statistics to freeze. Hint: batch and instance norm have them "
        "with track_running_stats = true");
  CHECK(layer.weight.requires_grad());
  layer.freeze({.affine = true});
  CHECK_FALSE(layer.weight.requires_grad());
  CHECK_FALSE(layer.bias.requires_grad());
}

TEST_CASE("the norms of a whole net are frozen at once, and stay so through train") {
  nn::Sequential net(nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 1}),
                     nn::Sequential(nn::BatchNorm2d(4), nn::ReLU()), nn::GroupNorm(2, 4),
                     nn::InstanceNorm2d({.num_features = 4, .track_running_stats = true}));
  nn::freeze_norms(net, {.statistics = true, .affine = true});
  net.eval();
  net.train();
  const NamedTensors before = net.state_dict();
  {
    Tape tape;
    tape.backward(sum(square(net(random({2, 1, 3, 3})))));
  }
  const NamedTensors after = net.state_dict();
  for (size_t i = 0; i < before.size(); ++i) {
    CHECK(values(before[i].tensor) == values(after[i].tensor));
  }
  for (const NamedTensor& p : net.named_parameters()) {
    CAPTURE(p.name);
    CHECK(p.tensor.requires_grad() == p.name.starts_with("0."));
    CHECK(p.tensor.grad().defined() == p.name.starts_with("0."));
  }
  nn::freeze_norms(net, {});
  net(random({2, 1, 3, 3}));
  CHECK(values(net.state_dict()[6].tensor) != values(before[6].tensor));
}

TEST_CASE("the form of a norm is chosen at run time, for one layer or a whole net") {
  nn::Sequential net(nn::BatchNorm2d(4), nn::InstanceNorm2d(4), nn::GroupNorm(2, 4),
                     nn::LayerNorm({.normalized_shape = {4, 3, 3}}), nn::RMSNorm(3));
  const auto recorded = [&] {
    Tape tape;
    net(random({2, 4, 3, 3}).requires_grad_());
    Names ops;
    for (size_t i = 0; i < tape.size(); ++i) {
      const std::string op = tape[i].op;
      if (op.find("norm") != std::string::npos) ops.push_back(op);
    }
    return ops;
  };
  CHECK(recorded() == Names{"batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm"});
  dynamic_cast<nn::NormLayer&>(net[2]).set_form(NormForm::composed);
  CHECK(recorded() == Names{"batch_norm", "instance_norm", "layer_norm", "rms_norm"});
  nn::set_norm_form(net, NormForm::composed);
  CHECK(recorded().empty());
  net.eval();
  CHECK(recorded().empty());
  nn::set_norm_form(net, NormForm::fused);
  CHECK(recorded().front() == "batch_norm_eval");
}

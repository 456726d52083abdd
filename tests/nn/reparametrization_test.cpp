#include "../../nn/reparametrization.h"

#include <doctest/doctest.h>

#include "../../core/grad.h"
#include "../../core/gradcheck.h"
#include "../../core/tape.h"
#include "../../nn/model_json.h"
#include "../core/checks.h"
#include "../support/errors.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::vector<std::string> names(const NamedTensors& list) {
  std::vector<std::string> result;
  for (const NamedTensor& t : list) result.push_back(t.name);
  return result;
}

using Names = std::vector<std::string>;

nn::Conv2dOptions small_conv() {
  return {.in_channels = 2,
          .out_channels = 4,
          .kernel_size = 3,
          .stride = 2,
          .padding = 1,
          .groups = 2,
          .padding_mode = PadMode::reflect};
}

}  // namespace

TEST_CASE("weight norm starts as the layer that it takes over") {
  nn::Linear linear(5, 3), same(5, 3);
  nn::Conv2d conv(small_conv()), same_conv(small_conv());
  same.load_state_dict(linear.state_dict());
  same_conv.load_state_dict(conv.state_dict());
  nn::WeightNorm<nn::Linear> normed(std::move(linear));
  nn::WeightNorm<nn::Conv2d> normed_conv(std::move(conv));
  const Tensor x = random({4, 5}).to(float32), image = random({2, 2, 6, 6}).to(float32);
  check_close(normed(x), same(x), 1e-6);
  check_close(normed_conv(image), same_conv(image), 1e-6);
}

TEST_CASE("weight norm has PyTorch's names and shapes") {
  const nn::WeightNorm<nn::Linear> linear(nn::Linear(5, 3));
  CHECK(names(linear.state_dict()) == Names{"bias", "weight_g", "weight_v"});
  CHECK(linear.weight_g.shape() == Shape{3, 1});
  CHECK(linear.weight_v.shape() == Shape{3, 5});
  const nn::WeightNorm<nn::Conv2d> conv{nn::Conv2d(small_conv())};
  CHECK(conv.weight_g.shape() == Shape{4, 1, 1, 1});
  const nn::WeightNorm<nn::Linear> inputs(nn::Linear(5, 3, false), 1);
  CHECK(names(inputs.state_dict()) == Names{"weight_g", "weight_v"});
  CHECK(inputs.weight_g.shape() == Shape{1, 5});
  const nn::WeightNorm<nn::Linear> whole(nn::Linear(5, 3), std::nullopt);
  CHECK(whole.weight_g.shape() == Shape{});
}

TEST_CASE("weight norm computes g v / |v|") {
  nn::WeightNorm<nn::Linear> layer(nn::Linear(2, 2));
  layer.to(float64);
  const NoGrad pause;
  layer.weight_v.copy_(tensor({3.0, 4.0, 0.0, 2.0}, {2, 2}));
  layer.weight_g.copy_(tensor({10.0, 7.0}, {2, 1}));
  CHECK(values(layer.weight()) == std::vector<double>{6, 8, 0, 7});
}

TEST_CASE("gradients of weight norm: dg = <v, dw> / |v|, and dv has no part along v") {
  nn::WeightNorm<nn::Linear> layer(nn::Linear(4, 3));
  layer.to(float64);
  const Tensor dw = random({3, 4}, 5), v = layer.weight_v.detach(), g = layer.weight_g.detach();
  Tape tape;
  const auto d = grad(layer.weight(), {layer.weight_g, layer.weight_v}, {.gradient = dw});
  const Tensor length = norm(v, {1}, 2, true), along = sum(v * dw, {1}, true) / length;
  check_close(d[0], along);
  check_close(d[1], g / length * (dw - along * v / length));
  check_close(sum(v * d[1], {1}), zeros({3}, float64));
}

TEST_CASE("weight norm passes gradcheck to second order") {
  for (std::optional<int64_t> dim : {std::optional<int64_t>(0), std::optional<int64_t>()}) {
    const auto f = [dim](const std::vector<Tensor>& t) {
      return conv2d(t[0], nn::normed_weight(t[1], t[2], dim));
    };
    const Shape lengths = dim ? Shape{3, 1, 1, 1} : Shape{};
    check_gradients(f, {random({2, 2, 4, 4}, 1), random({3, 2, 2, 2}, 2), random(lengths, 3)});
  }
}

TEST_CASE("spectral norm has PyTorch's names and shapes") {
  const nn::SpectralNorm<nn::Conv2d> conv{nn::Conv2d(small_conv())};
  CHECK(names(conv.state_dict()) == Names{"bias", "weight_orig", "weight_u", "weight_v"});
  CHECK(names(conv.named_parameters()) == Names{"bias", "weight_orig"});
  CHECK(conv.weight_u.shape() == Shape{4});
  CHECK(conv.weight_v.shape() == Shape{9});
}

TEST_CASE("spectral norm divides by the largest singular value") {
  nn::SpectralNorm<nn::Linear> layer(nn::Linear(2, 2, false));
  layer.to(float64);
  {
    const NoGrad pause;
    layer.weight_orig.copy_(tensor({3.0, 0.0, 0.0, 5.0}, {2, 2}));
    layer.weight_u.copy_(tensor({0.6, 0.8}));
  }
  for (int i = 0; i < 50; ++i) layer(random({1, 2}));
  check_close(layer.weight(), tensor({0.6, 0.0, 0.0, 1.0}, {2, 2}));
}

TEST_CASE("each forward in training makes one step of the power method, evaluation makes none") {
  nn::SpectralNorm<nn::Linear> layer(nn::Linear(2, 2, false));
  layer.to(float64);
  const NoGrad pause;
  layer.weight_orig.copy_(tensor({1.0, 2.0, 0.0, 1.0}, {2, 2}));
  layer.weight_u.copy_(tensor({1.0, 0.0}));
  layer.eval();
  layer(random({1, 2}));
  CHECK(values(layer.weight_u) == std::vector<double>{1, 0});
  layer.train();
  layer(random({1, 2}));
  // W^T u = (1, 2); W v = (5, 2) / sqrt(5)
  check_close(layer.weight_v, tensor({1.0, 2.0}) / std::sqrt(5.0));
  check_close(layer.weight_u, tensor({5.0, 2.0}) / std::sqrt(29.0));
}

TEST_CASE("spectral norm passes gradcheck to second order, with u and v as constants") {
  nn::SpectralNorm<nn::Linear> layer(nn::Linear(4, 3));
  layer.to(float64);
  layer.eval();
  const auto f = [&](const std::vector<Tensor>& t) {
    layer.weight_orig = t[1];
    return layer(t[0]);
  };
  check_gradients(f, {random({2, 4}, 1), random({3, 4}, 2)});
}

TEST_CASE("a later forward does not disturb the gradient of spectral norm") {
  nn::SpectralNorm<nn::Linear> layer(nn::Linear(4, 3));
  layer.to(float64);
  layer.eval();
  const Tensor x = random({2, 4});
  const auto gradient = [&](bool trains_in_between) {
    Tape tape;
    const Tensor y = layer(x);
    if (trains_in_between) {
      layer.train();
      layer(x);
    }
    return grad(sum(square(y)), {layer.weight_orig})[0];
  };
  const Tensor expected = gradient(false);
  check_close(gradient(true), expected);
}

TEST_CASE("weight standardization: the weights of each output have mean 0 and variance 1") {
  nn::Conv2d conv(small_conv());
  const NamedTensors file = conv.state_dict();
  nn::WeightStandardization<nn::Conv2d> layer(std::move(conv), 0);
  CHECK(names(layer.state_dict()) == Names{"weight", "bias"});
  layer.load_state_dict(file);  // of the layer itself
  layer.to(float64);
  const Tensor x = random({2, 2, 6, 6}), w = layer.weight.detach();
  const Tensor centred = w - mean(w, {1, 2, 3}, true);
  nn::Conv2d expected(small_conv());
  expected.to(float64);
  const NoGrad pause;
  expected.weight.copy_(centred / sqrt(mean(square(centred), {1, 2, 3}, true)));
  expected.bias.copy_(layer.bias);
  check_close(layer(x), expected(x));
}

TEST_CASE("weight standardization passes gradcheck to second order") {
  check_gradients(
      [](const std::vector<Tensor>& t) { return conv2d(t[0], nn::standardized_weight(t[1], 0.1)); },
      {random({2, 2, 4, 4}, 1), random({3, 2, 2, 2}, 2)});
}

TEST_CASE("a net with reparametrized layers is written, read and loaded") {
  nn::Sequential net;
  net.add("conv", nn::WeightNorm<nn::Conv2d>(nn::Conv2d(small_conv())));
  net.add("fc", nn::SpectralNorm<nn::Linear>(nn::Linear(3, 2), 2));
  const auto copy = nn::from_json(nn::to_json(net));
  copy->load_state_dict(net.state_dict());
  net.eval();
  copy->eval();
  const Tensor x = random({1, 2, 6, 6}).to(float32);
  CHECK(values(net(x)) == values((*copy)(x)));
  CHECK(names(net.named_parameters()) ==
        Names{"conv.bias", "conv.weight_g", "conv.weight_v", "fc.bias", "fc.weight_orig"});
}

TEST_CASE("options of reparametrizations that make no sense are refused") {
  CHECK(message_of([] { nn::WeightNorm<nn::Linear>(nn::Linear(2, 3), 2); }) ==
        "[WeightNormLinear] dim 2 is none of the 2 of the weight [3,2]. Hint: leave it empty for "
        "one length of the whole weight");
  CHECK(message_of([] { nn::WeightStandardization<nn::Linear>(nn::Linear(1, 3)); }) ==
        "[WeightStandardizationLinear] each output needs more than 1 weight, got a weight [3,1]. "
        "Hint: a single weight minus its mean is 0: leave such a layer as it is");
  CHECK(message_of([] { nn::WeightStandardization<nn::Linear>(nn::Linear(2, 3), -1); }) ==
        "[WeightStandardizationLinear] eps must not be negative, got -1. Hint: it keeps a variance "
        "of 0 from being divided by; 1e-5 is usual");
  CHECK(message_of([] { nn::SpectralNorm<nn::Linear>(nn::Linear(2, 3), 0); }) ==
        "[SpectralNormLinear] n_power_iterations must be at least 1, got 0. Hint: sizes, steps and "
        "counts start at 1");
  CHECK(message_of([] { nn::SpectralNorm<nn::Linear>(nn::Linear(2, 3), 1, -1); }) ==
        "[SpectralNormLinear] eps must not be negative, got -1. Hint: it keeps a norm of 0 from "
        "being divided by; 1e-12 is usual");
}

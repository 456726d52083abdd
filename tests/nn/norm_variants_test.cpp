// Ghost batch norm, batch renormalization, filter response norm, dynamic tanh.
#include "../../nn/norm_variants.h"

#include <doctest/doctest.h>

#include "../../core/grad.h"
#include "../../core/gradcheck.h"
#include "../../core/tape.h"
#include "../../nn/fold_batch_norm.h"
#include "../../nn/linear.h"
#include "../../nn/model_json.h"
#include "../../nn/running_statistics.h"
#include "../../nn/weight_decay.h"
#include "../core/checks.h"
#include "../support/errors.h"
#include "../support/text.h"

using namespace gradus;
using namespace gradus::test;

namespace {

template <class Layer>
Layer in_double(const typename Layer::Options& options) {
  Layer layer(options);
  layer.to(float64);
  return layer;
}

std::vector<std::string> names(const NamedTensors& list) {
  std::vector<std::string> result;
  for (const NamedTensor& t : list) result.push_back(t.name);
  return result;
}

using Names = std::vector<std::string>;

/// Derivatives of a layer that does not change in a forward, by its input and its parameters.
void check_layer_gradients(nn::Module& layer, const Tensor& x) {
  std::vector<Tensor> leaves = {x.clone().requires_grad_()};
  for (const NamedTensor& p : layer.named_parameters()) leaves.push_back(p.tensor);
  const TensorFunction f = [&](const std::vector<Tensor>& t) { return layer(t[0]); };
  const auto first = gradcheck(f, leaves), second = gradgradcheck(f, leaves);
  CHECK_MESSAGE(first.passed, first.message);
  CHECK_MESSAGE(second.passed, second.message);
}

}  // namespace

// --- Ghost batch norm ---

TEST_CASE("ghost batch norm is batch norm of each part, one after the other") {
  auto ghost = in_double<nn::GhostBatchNorm2d>({.num_features = 3, .virtual_batch_size = 2});
  auto batch = in_double<nn::BatchNorm2d>({.num_features = 3});
  const Tensor x = random({5, 3, 2, 2});  // parts of 2 and 3
  check_close(ghost(x), cat({batch(narrow(x, 0, 0, 2)), batch(narrow(x, 0, 2, 3))}, 0));
  check_close(ghost.running_mean, batch.running_mean);
  check_close(ghost.running_var, batch.running_var);
  CHECK(ghost.num_batches_tracked.item() == 2);
  ghost.eval();
  batch.eval();
  check_close(ghost(x), batch(x));
}

TEST_CASE("a batch that is no larger than two parts of ghost batch norm is not divided") {
  auto ghost = in_double<nn::GhostBatchNorm1d>({.num_features = 3, .virtual_batch_size = 4});
  auto batch = in_double<nn::BatchNorm1d>({.num_features = 3});
  for (int64_t samples : {2, 4, 7}) {
    const Tensor x = random({samples, 3});
    check_close(ghost(x), batch(x));
  }
  CHECK(ghost(zeros({0, 3}, float64)).shape() == Shape{0, 3});
  CHECK(ghost.num_batches_tracked.item() == 3);
}

TEST_CASE("ghost batch norm throws before anything changes if a part has a single value") {
  nn::GhostBatchNorm1d ghost(3, 1);
  CHECK(contains(message_of([&] { ghost(ones({3, 3})); }), "expected more than 1 value"));
  CHECK(ghost.num_batches_tracked.item() == 0);
  ghost.eval();
  CHECK(ghost(ones({3, 3})).shape() == Shape{3, 3});
  CHECK(message_of([] { nn::GhostBatchNorm1d({.num_features = 3}); }) ==
        "[GhostBatchNorm1d] virtual_batch_size has to be given, and be at least 1. Hint: "
        "nn::GhostBatchNorm1d({.virtual_batch_size = ...})");
  CHECK(contains(message_of([&] {
                   nn::GhostBatchNorm2d(3, 2)(ones({4, 2, 1, 1}));
                 }),
                 "input [4,2,1,1]"));
}

TEST_CASE("ghost batch norm is folded and recomputed as batch norm is") {
  nn::Sequential net;
  net.add("fc", nn::Linear(4, 3));
  net.add("norm", nn::GhostBatchNorm1d(3, 2));
  const Tensor x = random({8, 4}).to(float32);
  nn::recompute_statistics(net, std::vector<Tensor>{x});
  const auto& norm = dynamic_cast<const nn::ChannelNormLayer&>(net[1]);
  check_close(norm.running_mean, mean(net[0](x), {0}), 1e-6);
  net.eval();
  const auto folded = nn::fold_batch_norm(net);
  CHECK(folded->size() == 1);
  check_close((*folded)(x), net(x), 1e-5);
}

// --- Batch renormalization ---

TEST_CASE("batch renormalization with limits 1 and 0 is batch norm") {
  auto renorm = in_double<nn::BatchRenorm2d>({.num_features = 3, .r_max = 1, .d_max = 0});
  auto batch = in_double<nn::BatchNorm2d>({.num_features = 3});
  const Tensor x = random({4, 3, 2, 2});
  check_close(renorm(x), batch(x));
  check_close(renorm.running_mean, batch.running_mean);
  check_close(renorm.running_var, batch.running_var);
}

TEST_CASE("within its limits, batch renormalization computes in training what evaluation does") {
  auto renorm =
      in_double<nn::BatchRenorm1d>({.num_features = 2, .momentum = 0, .r_max = 100, .d_max = 100});
  const NoGrad pause;
  renorm.weight.copy_(tensor({2.0, -3.0}));
  renorm.bias.copy_(tensor({0.5, 1.0}));
  renorm.running_mean.copy_(tensor({1.0, -2.0}));
  renorm.running_var.copy_(tensor({4.0, 0.3}));
  const Tensor x = random({4, 2}), trained = renorm(x);
  renorm.eval();
  check_close(trained, renorm(x));
}

TEST_CASE("beyond its limits, batch renormalization scales by r_max and shifts by d_max") {
  auto renorm = in_double<nn::BatchRenorm1d>(
      {.num_features = 1, .eps = 0, .affine = false, .r_max = 2, .d_max = 3});
  // Mean 10 and deviation 5, where the running ones are 0 and 1: r = 5 and d = 10 are cut.
  check_close(renorm(tensor({5.0, 15.0}, {2, 1})), tensor({1.0, 5.0}, {2, 1}));
  check_close(renorm.running_mean, tensor({1.0}));
  check_close(renorm.running_var, tensor({0.9 + 0.1 * 50}));  // unbiased
}

TEST_CASE("the gradient of batch renormalization treats r and d as constants") {
  const auto options = nn::BatchRenorm1dOptions{.num_features = 1, .eps = 0, .affine = false};
  auto renorm = in_double<nn::BatchRenorm1d>(options);
  const Tensor x = random({4, 1}).requires_grad_(), g = random({4, 1}, 2);
  const double r = sqrt(var(x.detach(), {}, 0)).item();
  Tape tape;
  const Tensor of_renorm = grad(renorm(x), {x}, {.gradient = g})[0];
  const Tensor of_batch = grad(batch_norm_train(x, {}, {}, 0).y, {x}, {.gradient = g})[0];
  check_close(of_renorm, of_batch * r);
}

TEST_CASE("the limits of batch renormalization can be changed, and copies have them") {
  nn::Sequential net(nn::BatchRenorm2d(3));
  auto& renorm = dynamic_cast<nn::BatchRenorm2d&>(net[0]);
  renorm.set_limits(1, 0);
  const auto copy = nn::clone(net);
  const auto& copied = dynamic_cast<const nn::BatchRenorm2d&>(*copy->children()[0]);
  CHECK(copied.r_max() == 1);
  CHECK(copied.d_max() == 0);
  CHECK(message_of([&] { renorm.set_limits(0.5, 0); }) ==
        "[BatchRenorm] r_max must be at least 1, got 0.5. Hint: r is limited to [1 / r_max, "
        "r_max]; 1 is batch norm's");
  CHECK(message_of([] { nn::BatchRenorm1d({.num_features = 2, .d_max = -1}); }) ==
        "[BatchRenorm] d_max must be at least 0, got -1. Hint: d is limited to [-d_max, d_max]; 0 "
        "is batch norm's");
}

// --- Filter response norm ---

TEST_CASE("filter response norm: max(x / sqrt(mean(x^2) + eps) weight + bias, tau)") {
  auto frn = in_double<nn::FilterResponseNorm2d>({.num_features = 2, .eps = 0.5});
  CHECK(names(frn.state_dict()) == Names{"weight", "bias", "tau"});
  const NoGrad pause;
  frn.weight.copy_(tensor({2.0, -1.0}));
  frn.bias.copy_(tensor({0.5, 0.25}));
  frn.tau.copy_(tensor({-1.0, 0.0}));
  // Mean squares 3.5 and 8.5, so the divisors are 2 and 3.
  const double a = std::sqrt(6.0);
  const Tensor x = tensor({1.0, -a, 4.0, -1.0}, {1, 2, 1, 2});
  check_close(frn(x), tensor({1.5, -1.0, 0.0, 0.25 + 1.0 / 3}, {1, 2, 1, 2}));
}

TEST_CASE("filter response norm: derivatives, both forms, with and without its parts") {
  for (bool parts : {true, false}) {
    for (NormForm form : {NormForm::fused, NormForm::composed}) {
      auto frn = in_double<nn::FilterResponseNorm2d>(
          {.num_features = 2, .eps = 0.1, .affine = parts, .tlu = parts});
      frn.set_form(form);
      check_layer_gradients(frn, random({2, 2, 2, 3}));
    }
  }
}

TEST_CASE("filter response norm ignores the scale of an image, and nothing else of it") {
  auto frn = in_double<nn::FilterResponseNorm2d>({.num_features = 2, .eps = 0});
  const Tensor x = random({3, 2, 4, 4});
  check_close(frn(x * 7.0), frn(x));
  CHECK(amax(abs(frn(x + 1.0) - frn(x))).item() > 0.1);
}

TEST_CASE("filter response norm takes images with its channels") {
  CHECK(message_of([] {
          nn::FilterResponseNorm2d(3)(ones({2, 4, 5, 5}));
        }) ==
        "[FilterResponseNorm2d] expected [N,3,H,W], got [2,4,5,5]. Hint: unsqueeze(x, 0) makes a "
        "batch of one image");
  CHECK_THROWS_AS(nn::FilterResponseNorm2d(3)(ones({3, 5, 5})), ShapeError);
  CHECK_THROWS_AS(nn::FilterResponseNorm2d({.num_features = 3, .eps = -1}), ValueError);
  CHECK(nn::FilterResponseNorm2d(3)(ones({0, 3, 5, 5})).shape() == Shape{0, 3, 5, 5});
}

// --- Dynamic tanh ---

TEST_CASE("dynamic tanh: tanh(alpha x) weight + bias") {
  auto layer = in_double<nn::DynamicTanh>({.normalized_shape = {2}, .alpha_init_value = 2});
  CHECK(names(layer.state_dict()) == Names{"weight", "bias", "alpha"});
  const NoGrad pause;
  layer.weight.copy_(tensor({3.0, -1.0}));
  layer.bias.copy_(tensor({0.5, 0.0}));
  check_close(layer(tensor({0.5, 0.25}, {1, 2})),
              tensor({3 * std::tanh(1.0) + 0.5, -std::tanh(0.5)}, {1, 2}));
}

TEST_CASE("dynamic tanh of images can have a weight per channel or per element") {
  for (const Shape& shape : {Shape{2, 1, 1}, Shape{2, 3, 2}}) {
    auto layer = in_double<nn::DynamicTanh>({.normalized_shape = shape});
    CHECK(layer.weight.shape() == shape);
    check_layer_gradients(layer, random({2, 2, 3, 2}));
  }
  CHECK(message_of([] {
          nn::DynamicTanh(3)(ones({2, 4}));
        }) ==
        "[DynamicTanh] expected last sizes [3], got input [2,4]. Hint: a size of 1 in "
        "normalized_shape stands for any");
  CHECK_THROWS_AS(nn::DynamicTanh({.normalized_shape = {2, 3}})(ones({3})), ShapeError);
  CHECK_THROWS_AS(nn::DynamicTanh({.normalized_shape = {}}), ValueError);
}

TEST_CASE("weight decay spares the parameters of layers in place of a norm") {
  nn::Sequential net(nn::FilterResponseNorm2d(3), nn::DynamicTanh({.normalized_shape = {3, 4, 4}}));
  const auto decays = nn::decays(net);
  for (const NamedTensor& p : net.named_parameters()) CHECK_FALSE(decays(p));
}

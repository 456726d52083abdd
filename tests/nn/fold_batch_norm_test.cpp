#include "../../nn/fold_batch_norm.h"

#include <doctest/doctest.h>

#include "../../core/base/random.h"
#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/pool.h"
#include "../core/checks.h"
#include "../support/errors.h"

using namespace gradus;
using namespace gradus::test;

namespace {

nn::Conv2d conv(int64_t in, int64_t out, bool bias = true) {
  return nn::Conv2d(
      {.in_channels = in, .out_channels = out, .kernel_size = 3, .padding = 1, .bias = bias});
}

/// Norms behind convolutions and linear layers, at the top, nested and in a residual block, and one
/// that comes after something else.
nn::Sequential make_net() {
  nn::Sequential net;
  net.add("stem", nn::Sequential(conv(1, 4, false), nn::BatchNorm2d(4), nn::ReLU()));
  net.add("block", nn::Residual(nn::Sequential(conv(4, 4), nn::BatchNorm2d(4), nn::ReLU(),
                                               nn::BatchNorm2d(4)),
                                nn::Sequential(nn::BatchNorm2d(4))));
  net.add("last", nn::Sequential(conv(4, 6)));
  net.add("norm", nn::BatchNorm2d({.num_features = 6, .affine = false}));
  net.add("style", conv(6, 6));
  net.add("instance", nn::InstanceNorm2d({.num_features = 6, .track_running_stats = true}));
  net.add("flatten", nn::Flatten());
  net.add("fc", nn::Linear(6 * 16, 5));
  net.add("fc_norm", nn::BatchNorm1d(5));
  return net;
}

Tensor images(int64_t n, DType dtype) {
  return random({n, 1, 4, 4}, 3).to(dtype);
}

/// Statistics and affine parts that are not what they start as.
void train_a_little(nn::Sequential& net, DType dtype) {
  for (int i = 0; i < 3; ++i) net(images(8, dtype) * (i + 1.0) + 0.5);
  Rng g(5);
  const NoGrad pause;
  for (NamedTensor& p : net.named_parameters()) {
    p.tensor.add_(randn(p.tensor.shape(), g, dtype), 0.2);
  }
}

std::vector<std::string> names_of(const nn::Module& net) {
  std::vector<std::string> result;
  for (const auto& [path, module] : net.named_modules()) result.push_back(path);
  return result;
}

}  // namespace

TEST_CASE("a folded net computes in evaluation what the net computes") {
  for (DType dtype : {float64, float32}) {
    nn::Sequential net = make_net();
    net.to(dtype);
    train_a_little(net, dtype);
    const auto folded = nn::fold_batch_norm(net);
    net.eval();
    const Tensor x = images(5, dtype), expected = net(x), found = (*folded)(x);
    CHECK(found.dtype() == dtype);
    const double tolerance = dtype == float64 ? 1e-13 : 1e-6;
    CHECK(amax(abs(found - expected)).item() < tolerance * amax(abs(expected)).item());
    CHECK_FALSE(folded->is_training());
  }
}

TEST_CASE("folding keeps names, and norms that do not follow a layer of their own") {
  const nn::Sequential net = make_net();
  CHECK(names_of(*nn::fold_batch_norm(net)) ==
        std::vector<std::string>{"", "stem", "stem.0", "stem.2", "block", "block.body",
                                 "block.body.0", "block.body.2", "block.body.3", "block.shortcut",
                                 "block.shortcut.0", "last", "last.0", "style", "flatten", "fc"});
}

TEST_CASE("folding leaves the net and the random streams as they were") {
  nn::Sequential net = make_net();
  train_a_little(net, float32);
  const NamedTensors before = net.state_dict();
  const RandomState random = random_state();
  nn::fold_batch_norm(net);
  CHECK(net.is_training());
  CHECK(random_state().streams == random.streams);
  const NamedTensors after = net.state_dict();
  REQUIRE(after.size() == before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    CHECK(values(after[i].tensor) == values(before[i].tensor));
  }
}

TEST_CASE("what has statistics of its input alone is not folded") {
  const nn::Sequential net(conv(1, 2),
                           nn::BatchNorm2d({.num_features = 2, .track_running_stats = false}),
                           conv(2, 2), nn::InstanceNorm2d(2), conv(2, 2), nn::GroupNorm(1, 2));
  CHECK(names_of(*nn::fold_batch_norm(net)) == names_of(net));
}

TEST_CASE("a batch norm of another dimension than the output of a linear layer is not folded") {
  // On [N,C,L], batch norm works on dimension 1 and a linear layer on the last.
  nn::Sequential net(nn::Linear(4, 3), nn::BatchNorm1d(2));
  CHECK(names_of(*nn::fold_batch_norm(net)) == names_of(net));
  CHECK(nn::dead_biases(net).empty());
}

TEST_CASE("a layer of one's own cannot be folded") {
  struct Mine : nn::Module {
    std::string type() const override { return "Mine"; }
  };
  nn::Sequential net(nn::ReLU(), nn::Sequential{Mine()});
  CHECK(message_of([&] { nn::fold_batch_norm(net); }).find("cannot write a layer of type Mine") !=
        std::string::npos);
}

TEST_CASE("dead biases are those whose gradient is 0") {
  nn::Sequential net;
  net.add("batch", nn::Sequential(conv(1, 4), nn::BatchNorm2d(4)));
  net.add("instance", nn::Sequential(conv(4, 4), nn::InstanceNorm2d(4)));
  net.add("per_channel", nn::Sequential(conv(4, 4), nn::GroupNorm(4, 4)));
  net.add("grouped", nn::Sequential(conv(4, 4), nn::GroupNorm(2, 4)));
  net.add("layer", nn::Sequential(conv(4, 4), nn::LayerNorm({.normalized_shape = {4, 4, 4}})));
  net.add("active", nn::Sequential(conv(4, 4), nn::ReLU(), nn::BatchNorm2d(4)));
  net.add("frozen", nn::Sequential(conv(4, 4), nn::BatchNorm2d(4)));
  dynamic_cast<nn::BatchNorm2d&>(*net[6].children()[1]).freeze({.statistics = true});
  net.add("tanh", nn::Tanh());  // else the last norm takes the bias before "frozen" away as well
  net.add("flatten", nn::Flatten());
  net.add("fc", nn::Sequential(nn::Linear(64, 3), nn::BatchNorm1d(3)));
  net.to(float64);
  std::vector<std::string> found;
  for (const nn::LayerBeforeNorm& pair : nn::dead_biases(net)) {
    CHECK(pair.norm_path == pair.layer_path.substr(0, pair.layer_path.size() - 1) + "1");
    found.push_back(pair.layer_path + ".bias");
  }
  CHECK(found == std::vector<std::string>{"batch.0.bias", "instance.0.bias", "per_channel.0.bias",
                                          "fc.0.bias"});
  Tape tape;
  const Tensor y = net(images(6, float64));
  tape.backward(sum(y * random(y.shape(), 4)));
  for (const NamedTensor& p : net.named_parameters()) {
    if (!p.name.ends_with("0.bias")) continue;
    CAPTURE(p.name);
    const bool is_dead = std::find(found.begin(), found.end(), p.name) != found.end();
    CHECK((amax(abs(p.tensor.grad())).item() < 1e-13) == is_dead);
  }
}

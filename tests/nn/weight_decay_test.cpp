// Which parameters of the library's layers weight decay is for.
#include <doctest/doctest.h>

#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/embedding.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/recurrent.h"
#include "../../nn/sequential.h"
#include "../../nn/weight_decay.h"

using namespace gradus;
using Names = std::vector<std::string>;

namespace {

Names decaying(const nn::Module& net) {
  const auto decays = nn::decays(net);
  Names names;
  for (const NamedTensor& parameter : net.named_parameters()) {
    if (decays(parameter)) names.push_back(parameter.name);
  }
  return names;
}

}  // namespace

TEST_CASE("no parameter of a norm layer decays, however many dimensions it has") {
  const nn::Sequential norms(nn::BatchNorm1d(3), nn::BatchNorm2d(3), nn::BatchNorm3d(3),
                             nn::InstanceNorm1d({.num_features = 3, .affine = true}),
                             nn::InstanceNorm2d({.num_features = 3, .affine = true}),
                             nn::InstanceNorm3d({.num_features = 3, .affine = true}),
                             nn::LayerNorm({.normalized_shape = {3}}),
                             nn::LayerNorm({.normalized_shape = {3, 4, 5}}),
                             nn::RMSNorm({.normalized_shape = {3, 4, 5}}), nn::GroupNorm(1, 3));
  CHECK(norms.named_parameters().size() == 19);
  CHECK(decaying(norms) == Names{});
}

TEST_CASE("weights of convolutions, products and embeddings decay, their biases do not") {
  const nn::Sequential net(
      nn::Conv1d({.in_channels = 2, .out_channels = 3, .kernel_size = 3}),
      nn::ConvTranspose2d({.in_channels = 2, .out_channels = 3, .kernel_size = 3}),
      nn::Linear(2, 3), nn::Embedding(5, 4), nn::PReLU());
  CHECK(decaying(net) == Names{"0.weight", "1.weight", "2.weight", "3.weight"});
}

TEST_CASE("the weights of every layer and direction of recurrent nets decay, no bias does") {
  const nn::Sequential net(
      nn::GRU({.input_size = 2, .hidden_size = 3, .num_layers = 2, .bidirectional = true}));
  const Names names = decaying(net);
  CHECK(names.size() == 8);
  for (const std::string& name : names) CHECK(name.starts_with("0.weight_"));
}

TEST_CASE("a module of one's own: its norms are found inside, by tensor rather than by name") {
  struct Block : nn::Module {
    nn::LayerNorm& scale = child<nn::LayerNorm>("scale", nn::LayerNormOptions{Shape{4, 3, 3}});
    Tensor& gate = parameter("gate", ones({4}));
    Tensor& bias_map = parameter("bias_map", ones({4, 3, 3}));
    Tensor& mix = parameter("mix", ones({4, 4}));
    std::string type() const override { return "Block"; }
  };
  const Block block;
  CHECK(decaying(block) == Names{"mix"});
  const auto decays = nn::decays(block);
  CHECK_FALSE(decays({"renamed", block.scale.weight}));
  CHECK(decays({"bias_of_another_net", ones({2, 2})}));
}

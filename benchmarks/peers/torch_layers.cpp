// bench_layers in PyTorch.
#include <nlohmann/json.hpp>

#include "../layer_program.h"
#include "torch_build.h"

namespace {

using namespace gradus::bench;
using torch::Tensor;

std::function<void()> optimizer_step(const LayerCase& layer) {
  const std::string name = nlohmann::json::parse(layer.options).at("net");
  torch::nn::Sequential net = torch_net(net_case(name).parts.at("net"));
  for (Tensor& parameter : net->parameters())
    parameter.mutable_grad() = torch::ones_like(parameter);
  const std::shared_ptr<torch::optim::Optimizer> optimizer =
      torch_optimizer({layer.type == "Adam" ? "adam" : "sgd"}, net->parameters());
  return [net, optimizer] { optimizer->step(); };
}

std::function<void()> cross_entropy_step(Tensor scores) {
  const Tensor classes = torch::randint(scores.size(1), {scores.size(0)}, torch::kInt64);
  return [scores, classes]() mutable {
    torch::nn::functional::cross_entropy(scores, classes).backward();
    scores.mutable_grad() = Tensor();
  };
}

std::function<void()> chain_step(Tensor x, int length) {
  const Tensor step = torch::full({1}, 1e-6F);
  return [x, step, length]() mutable {
    Tensor y = x;
    for (int i = 0; i < length; ++i) y = y + step;
    y.backward(torch::ones({1}));
    x.mutable_grad() = Tensor();
  };
}

std::function<void()> make_step(const LayerCase& layer) {
  if (layer.type == "Adam" || layer.type == "SGD") return optimizer_step(layer);
  Tensor x = torch::randn(layer.input).requires_grad_(layer.input_gradient);
  if (layer.type == "CrossEntropyLoss") return cross_entropy_step(x);
  if (layer.type == "Chain") {
    return chain_step(x, nlohmann::json::parse(layer.options).at("length"));
  }
  torch::nn::AnyModule module = torch_layer(layer.type, layer.options);
  module.ptr()->train(!layer.evaluation);
  const Tensor g = torch::randn_like(module.forward(x)).detach();
  return [module, x, g]() mutable {
    module.forward(x).backward(g);
    x.mutable_grad() = Tensor();
    module.ptr()->zero_grad(/*set_to_none=*/true);
  };
}

}  // namespace

int main(int argc, char** argv) {
  return run_layer_program(argc, argv, {"PyTorch " TORCH_VERSION, prepare_torch, make_step});
}

#include "torch_build.h"

#include <malloc.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace gradus::bench {

namespace {

namespace tn = torch::nn;
using nlohmann::json;

tn::AnyModule build(const std::string& type, const json& o) {
  if (type == "Conv2d") {
    return tn::AnyModule(tn::Conv2d(
        tn::Conv2dOptions(o["in_channels"], o["out_channels"], o["kernel_size"].get<int64_t>())
            .padding(o.value<int64_t>("padding", 0))
            .groups(o.value("groups", 1))
            .bias(o.value("bias", true))));
  }
  if (type == "Linear") {
    return tn::AnyModule(tn::Linear(tn::LinearOptions(o["in_features"], o["out_features"])));
  }
  if (type == "BatchNorm2d")
    return tn::AnyModule(tn::BatchNorm2d(o["num_features"].get<int64_t>()));
  if (type == "InstanceNorm2d") {
    return tn::AnyModule(tn::InstanceNorm2d(
        tn::InstanceNorm2dOptions(o["num_features"]).affine(o.value("affine", false))));
  }
  if (type == "GroupNorm") {
    return tn::AnyModule(tn::GroupNorm(tn::GroupNormOptions(o["num_groups"], o["num_channels"])));
  }
  if (type == "LayerNorm") {
    return tn::AnyModule(
        tn::LayerNorm(tn::LayerNormOptions(o["normalized_shape"].get<std::vector<int64_t>>())));
  }
  if (type == "MaxPool2d") return tn::AnyModule(tn::MaxPool2d(o["kernel_size"].get<int64_t>()));
  if (type == "AvgPool2d") return tn::AnyModule(tn::AvgPool2d(o["kernel_size"].get<int64_t>()));
  if (type == "ReLU") return tn::AnyModule(tn::ReLU());
  if (type == "Flatten") return tn::AnyModule(tn::Flatten());
  if (type == "Dropout") return tn::AnyModule(tn::Dropout(o.value("p", 0.5)));
  throw std::invalid_argument("PyTorch is not asked for " + type);
}

}  // namespace

torch::nn::AnyModule torch_layer(const std::string& type, const std::string& options) {
  return build(type, json::parse(options));
}

torch::nn::Sequential torch_net(const std::string& text) {
  torch::nn::Sequential net;
  const json model = json::parse(text);
  for (const json& layer : model["layers"]) {
    net->push_back(build(layer["type"], layer["options"]));
  }
  return net;
}

std::unique_ptr<torch::optim::Optimizer> torch_optimizer(const std::string& name,
                                                         std::vector<torch::Tensor> parameters) {
  using namespace torch::optim;
  if (name == "adam") return std::make_unique<Adam>(std::move(parameters), AdamOptions(1e-3));
  return std::make_unique<SGD>(std::move(parameters), SGDOptions(1e-2).momentum(0.9));
}

void prepare_torch(int threads) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2'000'000'000);
  mallopt(M_TOP_PAD, 64 << 20);
  at::set_num_threads(threads);
  torch::manual_seed(1);
}

}  // namespace gradus::bench

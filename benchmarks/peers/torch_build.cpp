#include "torch_build.h"

#include <malloc.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

namespace gradus::bench {

namespace {

namespace tn = torch::nn;
using nlohmann::json;

/// body(x) + shortcut(x)
class ResidualImpl : public tn::Module {
 public:
  ResidualImpl(tn::Sequential body, tn::Sequential shortcut)
      : body_(register_module("body", std::move(body))),
        shortcut_(register_module("shortcut", std::move(shortcut))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return body_->forward(x) + (shortcut_->is_empty() ? x : shortcut_->forward(x));
  }

 private:
  tn::Sequential body_, shortcut_;
};
TORCH_MODULE(Residual);

std::optional<tn::AnyModule> build_weights(const std::string& type, const json& o) {
  if (type == "Conv2d") {
    return tn::AnyModule(tn::Conv2d(
        tn::Conv2dOptions(o["in_channels"], o["out_channels"], o["kernel_size"].get<int64_t>())
            .padding(o.value<int64_t>("padding", 0))
            .stride(o.value<int64_t>("stride", 1))
            .groups(o.value("groups", 1))
            .bias(o.value("bias", true))));
  }
  if (type == "ConvTranspose2d") {
    return tn::AnyModule(
        tn::ConvTranspose2d(tn::ConvTranspose2dOptions(o["in_channels"], o["out_channels"],
                                                       o["kernel_size"].get<int64_t>())
                                .padding(o.value<int64_t>("padding", 0))
                                .stride(o.value<int64_t>("stride", 1))
                                .bias(o.value("bias", true))));
  }
  if (type == "Linear") {
    return tn::AnyModule(tn::Linear(tn::LinearOptions(o["in_features"], o["out_features"])));
  }
  return std::nullopt;
}

std::optional<tn::AnyModule> build_norm(const std::string& type, const json& o) {
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
  return std::nullopt;
}

tn::AnyModule build(const std::string& type, const json& o) {
  if (auto layer = build_weights(type, o)) return *layer;
  if (auto layer = build_norm(type, o)) return *layer;
  if (type == "MaxPool2d") return tn::AnyModule(tn::MaxPool2d(o["kernel_size"].get<int64_t>()));
  if (type == "AvgPool2d") return tn::AnyModule(tn::AvgPool2d(o["kernel_size"].get<int64_t>()));
  if (type == "GELU") return tn::AnyModule(tn::GELU());
  if (type == "SiLU") return tn::AnyModule(tn::SiLU());
  if (type == "ELU") return tn::AnyModule(tn::ELU());
  if (type == "Softplus") return tn::AnyModule(tn::Softplus());
  if (type == "Softmax") return tn::AnyModule(tn::Softmax(tn::SoftmaxOptions(o["dim"])));
  if (type == "Sigmoid") return tn::AnyModule(tn::Sigmoid());
  if (type == "Tanh") return tn::AnyModule(tn::Tanh());
  if (type == "LeakyReLU") {
    return tn::AnyModule(
        tn::LeakyReLU(tn::LeakyReLUOptions().negative_slope(o.value("negative_slope", 0.01))));
  }
  if (type == "ReLU") return tn::AnyModule(tn::ReLU());
  if (type == "Flatten")
    return tn::AnyModule(
        tn::Flatten(tn::FlattenOptions().start_dim(o.value<int64_t>("start_dim", 1))));
  if (type == "Dropout") return tn::AnyModule(tn::Dropout(o.value("p", 0.5)));
  throw std::invalid_argument("PyTorch is not asked for " + type);
}

tn::Sequential build_net(const json& layers) {
  tn::Sequential net;
  for (const json& layer : layers) {
    if (layer["type"] == "Residual") {
      net->push_back(Residual(build_net(layer["body"]), build_net(layer["shortcut"])));
    } else {
      net->push_back(build(layer["type"], layer["options"]));
    }
  }
  return net;
}

}  // namespace

torch::nn::AnyModule torch_layer(const std::string& type, const std::string& options) {
  return build(type, json::parse(options));
}

torch::nn::Sequential torch_net(const std::string& text) {
  const json model = json::parse(text);
  return build_net(model["layers"]);
}

std::unique_ptr<torch::optim::Optimizer> torch_optimizer(const OptimizerCase& of,
                                                         std::vector<torch::Tensor> parameters) {
  using namespace torch::optim;
  if (of.type == "adam") {
    return std::make_unique<Adam>(std::move(parameters),
                                  AdamOptions(of.lr).betas({of.momentum, 0.999}));
  }
  return std::make_unique<SGD>(std::move(parameters), SGDOptions(of.lr).momentum(of.momentum));
}

void prepare_torch(int threads) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2'000'000'000);
  mallopt(M_TOP_PAD, 64 << 20);
  at::set_num_threads(threads);
  torch::manual_seed(1);
}

}  // namespace gradus::bench

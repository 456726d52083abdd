#include "net_cases.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace gradus::bench {

namespace {

using nlohmann::json;

/// Collects layers in the order in which they run.
class Layers {
 public:
  Layers& add(const char* type, json options = json::object()) {
    list_.push_back({{"type", type}, {"options", std::move(options)}});
    return *this;
  }
  Layers& conv(int in, int out, int kernel, int padding = 0, bool bias = true, int stride = 1) {
    return add("Conv2d", conv_options(in, out, kernel, padding, bias, stride));
  }
  Layers& conv_transpose(int in, int out, int kernel, int padding = 0, int stride = 1) {
    return add("ConvTranspose2d", conv_options(in, out, kernel, padding, false, stride));
  }
  Layers& linear(int in, int out) {
    return add("Linear", {{"in_features", in}, {"out_features", out}});
  }
  Layers& batch_norm(int channels) { return add("BatchNorm2d", {{"num_features", channels}}); }
  Layers& group_norm(int channels) {
    return add("GroupNorm", {{"num_groups", 8}, {"num_channels", channels}});
  }
  Layers& layer_norm(const std::vector<int>& shape) {
    return add("LayerNorm", {{"normalized_shape", shape}});
  }
  Layers& relu() { return add("ReLU"); }
  Layers& leaky_relu() { return add("LeakyReLU", {{"negative_slope", 0.2}}); }
  Layers& pool() { return add("MaxPool2d", {{"kernel_size", 2}}); }
  Layers& dropout(double p) { return add("Dropout", {{"p", p}}); }
  Layers& flatten(int start_dim = 1) { return add("Flatten", {{"start_dim", start_dim}}); }
  /// body(x) + shortcut(x)
  Layers& residual(const Layers& body, const Layers& shortcut = {}) {
    list_.push_back({{"type", "Residual"}, {"body", body.list_}, {"shortcut", shortcut.list_}});
    return *this;
  }
  std::string text() const { return json{{"layers", list_}}.dump(); }

 private:
  static json conv_options(int in, int out, int kernel, int padding, bool bias, int stride) {
    return {{"in_channels", in},  {"out_channels", out}, {"kernel_size", kernel},
            {"padding", padding}, {"bias", bias},        {"stride", stride}};
  }

  std::vector<json> list_;
};

int scaled(int channels, const NetSize& size) {
  return static_cast<int>(std::lround(channels * size.width));
}

NetCase basic(const NetSize& size) {
  const int c = scaled(32, size), hidden = scaled(128, size);
  Layers net;
  net.conv(1, c, 3).relu().conv(c, 2 * c, 3).relu();
  for (int i = 1; i < size.depth; ++i) net.conv(2 * c, 2 * c, 3, 1).relu();
  net.pool().dropout(0.25).flatten().linear(288 * c, hidden).relu().dropout(0.5).linear(hidden, 10);
  return {"basic", {{"net", net.text()}}};
}

NetCase lenet() {
  Layers net;
  net.conv(1, 6, 5, 2).relu().pool().conv(6, 16, 5).relu().pool();
  net.flatten().linear(400, 120).relu().linear(120, 84).relu().linear(84, 10);
  return {"lenet", {{"net", net.text()}}, {"sgd", 1e-2}};
}

NetCase mlp() {
  Layers net;
  net.flatten().linear(784, 256).relu().linear(256, 128).relu().linear(128, 10);
  return {"mlp", {{"net", net.text()}}, {"sgd", 1e-2}};
}

/// Four convolutions, each followed by a norm.
NetCase normalized(const std::string& norm, const NetSize& size) {
  const int c = scaled(32, size), hidden = scaled(128, size);
  Layers net;
  const auto block = [&](int in, int out, int side) {
    net.conv(in, out, 3, 1, false);
    if (norm == "batch") net.batch_norm(out);
    if (norm == "group") net.group_norm(out);
    if (norm == "layer") net.layer_norm({out, side, side});
    if (norm == "instance") net.add("InstanceNorm2d", {{"num_features", out}, {"affine", true}});
    net.relu();
  };
  block(1, c, 28);
  block(c, c, 28);
  net.pool();
  block(c, 2 * c, 14);
  for (int i = 0; i < size.depth; ++i) block(2 * c, 2 * c, 14);
  net.pool().flatten().linear(98 * c, hidden).relu().dropout(0.5).linear(hidden, 10);
  return {"norm-" + norm, {{"net", net.text()}}};
}

/// He et al., arXiv 1512.03385, with group norm (Wu and He, arXiv 1803.08494).
NetCase resnet() {
  Layers net;
  const auto block = [&](int in, int out, int stride) {
    Layers body, shortcut;
    body.conv(in, out, 3, 1, false, stride).group_norm(out).relu();
    body.conv(out, out, 3, 1, false).group_norm(out);
    if (stride > 1) shortcut.conv(in, out, 1, 0, false, stride).group_norm(out);
    net.residual(body, shortcut).relu();
  };
  net.conv(1, 32, 3, 1, false).group_norm(32).relu();
  block(32, 32, 1);
  block(32, 64, 2);
  block(64, 128, 2);
  net.add("AvgPool2d", {{"kernel_size", 7}}).flatten().linear(128, 10);
  return {"resnet-gn", {{"net", net.text()}}};
}

/// A vision transformer (Dosovitskiy et al., arXiv 2010.11929) of two blocks over 7x7 patches of
/// 4x4 pixels, without what tells it their places; norms come first in a block. The attention
/// between "qkv" and "projection" is no layer.
NetCase transformer() {
  constexpr int width = 64;
  NetCase net{"transformer", {}};
  net.parts["patches"] = Layers().conv(1, width, 4, 0, true, 4).flatten(2).text();
  for (const std::string block : {"1", "2"}) {
    net.parts["qkv" + block] = Layers().layer_norm({width}).linear(width, 3 * width).text();
    net.parts["projection" + block] = Layers().linear(width, width).text();
    Layers body;
    body.layer_norm({width}).linear(width, 4 * width).add("GELU").linear(4 * width, width);
    net.parts["mlp" + block] = Layers().residual(body).text();
  }
  net.parts["head"] = Layers().layer_norm({width}).linear(width, 10).text();
  return net;
}

std::string gan_generator() {
  Layers net;
  net.conv_transpose(100, 128, 7).batch_norm(128).relu();
  net.conv_transpose(128, 64, 4, 1, 2).batch_norm(64).relu();
  return net.conv_transpose(64, 1, 4, 1, 2).add("Tanh").text();
}

/// Radford et al., arXiv 1511.06434.
NetCase dcgan() {
  Layers net;
  net.conv(1, 64, 4, 1, false, 2).leaky_relu();
  net.conv(64, 128, 4, 1, false, 2).batch_norm(128).leaky_relu().conv(128, 1, 7, 0, false);
  return {"dcgan",
          {{"generator", gan_generator()}, {"discriminator", net.flatten().text()}},
          {"adam", 2e-4, 0.5}};
}

/// Gulrajani et al., arXiv 1704.00028. The gradient penalty is about single images, so there is no
/// batch norm in the critic.
NetCase wgan_gp() {
  Layers net;
  net.conv(1, 64, 4, 1, true, 2).leaky_relu();
  net.conv(64, 128, 4, 1, true, 2).leaky_relu().conv(128, 1, 7);
  return {"wgan-gp",
          {{"generator", gan_generator()}, {"critic", net.flatten().text()}},
          {"adam", 1e-4, 0}};
}

/// Kingma and Welling, arXiv 1312.6114, in the sizes of PyTorch's example.
NetCase vae() {
  return {"vae",
          {{"encoder", Layers().flatten().linear(784, 400).relu().text()},
           {"mean", Layers().linear(400, 20).text()},
           {"log_variance", Layers().linear(400, 20).text()},
           {"decoder", Layers().linear(20, 400).relu().linear(400, 784).add("Sigmoid").text()}}};
}

struct Row {
  std::string name;
  std::function<NetCase(const NetSize&)> make;
  bool has_sizes = false;
};

const std::vector<Row>& rows() {
  const auto fixed = [](NetCase (*make)()) { return [make](const NetSize&) { return make(); }; };
  const auto norm = [](const char* name) {
    return [name](const NetSize& size) { return normalized(name, size); };
  };
  static const std::vector<Row> rows = {
      {"basic", basic, true},
      {"lenet", fixed(lenet)},
      {"mlp", fixed(mlp)},
      {"norm-batch", norm("batch"), true},
      {"norm-group", norm("group"), true},
      {"norm-layer", norm("layer"), true},
      {"norm-instance", norm("instance"), true},
      {"resnet-gn", fixed(resnet)},
      {"transformer", fixed(transformer)},
      {"dcgan", fixed(dcgan)},
      {"wgan-gp", fixed(wgan_gp)},
      {"vae", fixed(vae)},
  };
  return rows;
}

}  // namespace

const std::vector<std::string>& net_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Row& row : rows()) list.push_back(row.name);
    return list;
  }();
  return names;
}

NetCase net_case(const std::string& name, const NetSize& size) {
  for (const Row& row : rows()) {
    if (row.name != name) continue;
    if (!row.has_sizes && (size.width != 1 || size.depth != 1)) {
      throw std::invalid_argument(name + " has one size");
    }
    return row.make(size);
  }
  throw std::invalid_argument("there is no net " + name);
}

}  // namespace gradus::bench

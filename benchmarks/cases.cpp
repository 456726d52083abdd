#include "cases.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace gradus::bench {

namespace {

using nlohmann::json;

// --- Layers ---

LayerCase conv(std::vector<int64_t> input, int64_t out, int kernel, int padding = 0,
               int64_t groups = 1) {
  const std::string size = std::to_string(kernel);
  return {.op = groups > 1 ? "conv2d_depthwise" : "conv2d",
          .variant = size + "x" + size + (padding > 0 ? " p" + std::to_string(padding) : "") +
                     " to " + std::to_string(out),
          .input = input,
          .type = "Conv2d",
          .options = json{
              {"in_channels", input[1]},
              {"out_channels", out},
              {"kernel_size", kernel},
              {"padding", padding},
              {"groups",
               groups}}.dump()};
}

LayerCase linear(int64_t batch, int64_t in, int64_t out) {
  return {.op = "linear",
          .variant = "to " + std::to_string(out),
          .input = {batch, in},
          .type = "Linear",
          .options = json{{"in_features", in}, {"out_features", out}}.dump()};
}

void add_convolutions(std::vector<LayerCase>& list) {
  list.insert(list.end(), {
                              conv({64, 1, 28, 28}, 32, 3),
                              conv({64, 32, 26, 26}, 64, 3),
                              conv({64, 32, 28, 28}, 32, 3, 1),
                              conv({64, 32, 14, 14}, 64, 3, 1),
                              conv({64, 64, 14, 14}, 64, 3, 1),
                              conv({64, 6, 14, 14}, 16, 5),
                              conv({64, 64, 14, 14}, 64, 1),
                              conv({64, 64, 28, 28}, 64, 3, 1, 64),
                          });
  LayerCase first_layer = conv({64, 1, 28, 28}, 32, 3);
  first_layer.variant += " of images";  // which need no gradient
  first_layer.input_gradient = false;
  list.push_back(first_layer);
}

void add_norms(std::vector<LayerCase>& list, const std::vector<int64_t>& input) {
  const int64_t channels = input[1];
  list.push_back(
      {"batch_norm", "train", input, "BatchNorm2d", json{{"num_features", channels}}.dump()});
  list.push_back({"instance_norm", "affine", input, "InstanceNorm2d",
                  json{{"num_features", channels}, {"affine", true}}.dump()});
  list.push_back({"group_norm", "8 groups", input, "GroupNorm",
                  json{{"num_groups", 8}, {"num_channels", channels}}.dump()});
  list.push_back(
      {"layer_norm", "over CHW", input, "LayerNorm",
       json{{"normalized_shape", std::vector<int64_t>(input.begin() + 1, input.end())}}.dump()});
}

std::vector<LayerCase> make_layer_cases() {
  std::vector<LayerCase> list;
  add_convolutions(list);
  list.push_back(linear(64, 9216, 128));
  list.push_back(linear(64, 3136, 128));
  add_norms(list, {64, 32, 28, 28});
  add_norms(list, {64, 64, 28, 28});
  list.push_back(
      {"batch_norm", "train", {64, 64, 14, 14}, "BatchNorm2d", R"({"num_features":64})"});
  list.push_back(list.back());
  list.back().variant = "eval";
  list.back().evaluation = true;
  const std::string window = R"({"kernel_size":2})";
  list.push_back({"max_pool2d", "2x2", {64, 64, 24, 24}, "MaxPool2d", window});
  list.push_back({"avg_pool2d", "2x2", {64, 64, 24, 24}, "AvgPool2d", window});
  list.push_back({"relu", "default", {64, 64, 24, 24}, "ReLU"});
  list.push_back({"dropout", "0.25", {64, 64, 24, 24}, "Dropout", R"({"p":0.25})"});
  list.push_back({"dropout", "0.25", {64, 64, 12, 12}, "Dropout", R"({"p":0.25})"});
  list.push_back({"cross_entropy", "default", {64, 10}, "CrossEntropyLoss"});
  list.push_back({"adam", "basic net", {}, "Adam", R"({"net":"basic"})"});
  list.push_back({"sgd", "momentum basic net", {}, "SGD", R"({"net":"basic"})"});
  list.push_back({"add", "chain of 100", {1}, "Chain", R"({"length":100})"});
  return list;
}

// --- Nets ---

/// Collects layers in the order in which they run.
class Net {
 public:
  Net& add(const char* type, json options = json::object()) {
    layers_.push_back({{"type", type}, {"options", std::move(options)}});
    return *this;
  }
  Net& conv(int in, int out, int kernel, int padding = 0, bool bias = true) {
    return add("Conv2d", {{"in_channels", in},
                          {"out_channels", out},
                          {"kernel_size", kernel},
                          {"padding", padding},
                          {"bias", bias}});
  }
  Net& linear(int in, int out) {
    return add("Linear", {{"in_features", in}, {"out_features", out}});
  }
  Net& relu() { return add("ReLU"); }
  Net& pool() { return add("MaxPool2d", {{"kernel_size", 2}}); }
  Net& dropout(double p) { return add("Dropout", {{"p", p}}); }
  Net& flatten() { return add("Flatten"); }
  std::string text() const { return json{{"layers", layers_}}.dump(); }

 private:
  json layers_ = json::array();
};

std::string basic() {
  Net net;
  net.conv(1, 32, 3).relu().conv(32, 64, 3).relu().pool().dropout(0.25);
  return net.flatten().linear(9216, 128).relu().dropout(0.5).linear(128, 10).text();
}

std::string lenet() {
  Net net;
  net.conv(1, 6, 5, 2).relu().pool().conv(6, 16, 5).relu().pool();
  return net.flatten().linear(400, 120).relu().linear(120, 84).relu().linear(84, 10).text();
}

std::string mlp() {
  return Net().flatten().linear(784, 256).relu().linear(256, 128).relu().linear(128, 10).text();
}

void add_norm(Net& net, const std::string& norm, int channels, int side) {
  if (norm == "batch") net.add("BatchNorm2d", {{"num_features", channels}});
  if (norm == "group") net.add("GroupNorm", {{"num_groups", 8}, {"num_channels", channels}});
  if (norm == "layer") net.add("LayerNorm", {{"normalized_shape", {channels, side, side}}});
  if (norm == "instance") {
    net.add("InstanceNorm2d", {{"num_features", channels}, {"affine", true}});
  }
}

/// Four convolutions, each followed by a norm.
std::string normalized(const std::string& norm) {
  Net net;
  const auto block = [&](int in, int out, int side) {
    net.conv(in, out, 3, 1, false);
    add_norm(net, norm, out, side);
    net.relu();
  };
  block(1, 32, 28);
  block(32, 32, 28);
  net.pool();
  block(32, 64, 14);
  block(64, 64, 14);
  net.pool();
  return net.flatten().linear(3136, 128).relu().dropout(0.5).linear(128, 10).text();
}

}  // namespace

std::string LayerCase::name() const {
  std::string shape;
  for (int64_t size : input) shape += (shape.empty() ? "" : "x") + std::to_string(size);
  std::string name = op + "/" + variant + (shape.empty() ? "" : "/") + shape;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

const std::vector<LayerCase>& layer_cases() {
  static const std::vector<LayerCase> list = make_layer_cases();
  return list;
}

const std::vector<NetCase>& net_cases() {
  static const std::vector<NetCase> list = {
      {"basic", basic(), "adam"},
      {"lenet", lenet(), "sgd"},
      {"mlp", mlp(), "sgd"},
      {"norm-batch", normalized("batch"), "adam"},
      {"norm-group", normalized("group"), "adam"},
      {"norm-layer", normalized("layer"), "adam"},
      {"norm-instance", normalized("instance"), "adam"},
  };
  return list;
}

const NetCase& net_case(const std::string& name) {
  for (const NetCase& net : net_cases()) {
    if (net.name == name) return net;
  }
  throw std::invalid_argument("there is no net " + name);
}

}  // namespace gradus::bench

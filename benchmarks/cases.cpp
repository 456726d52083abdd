#include "cases.h"

#include <algorithm>
#include <nlohmann/json.hpp>

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

}  // namespace gradus::bench

#include "cases.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace gradus::bench {

namespace {

using nlohmann::json;

// --- Layers ---

struct Kernel {
  int size, padding = 0, stride = 1;
  int64_t groups = 1;

  std::string text() const {
    return std::to_string(size) + "x" + std::to_string(size) +
           (stride > 1 ? " s" + std::to_string(stride) : "") +
           (padding > 0 ? " p" + std::to_string(padding) : "");
  }
  json options(int64_t in, int64_t out) const {
    return {{"in_channels", in},  {"out_channels", out}, {"kernel_size", size},
            {"padding", padding}, {"stride", stride},    {"groups", groups}};
  }
};

LayerCase conv(const std::vector<int64_t>& input, int64_t out, const Kernel& kernel) {
  return {.op = kernel.groups > 1 ? "conv2d_depthwise" : "conv2d",
          .variant = kernel.text() + " to " + std::to_string(out),
          .input = input,
          .type = "Conv2d",
          .options = kernel.options(input[1], out).dump()};
}

LayerCase conv_transpose(const std::vector<int64_t>& input, int64_t out, const Kernel& kernel) {
  LayerCase layer = conv(input, out, kernel);
  layer.op = "conv_transpose2d";
  layer.type = "ConvTranspose2d";
  return layer;
}

LayerCase linear(int64_t batch, int64_t in, int64_t out) {
  return {.op = "linear",
          .variant = "to " + std::to_string(out),
          .input = {batch, in},
          .type = "Linear",
          .options = json{{"in_features", in}, {"out_features", out}}.dump()};
}

void add_convolutions(std::vector<LayerCase>& list) {
  for (const LayerCase& layer : {
           conv({64, 1, 28, 28}, 32, {3}),
           conv({64, 32, 26, 26}, 64, {3}),
           conv({64, 32, 28, 28}, 32, {3, 1}),
           conv({64, 32, 14, 14}, 64, {3, 1}),
           conv({64, 64, 14, 14}, 64, {3, 1}),
           conv({64, 6, 14, 14}, 16, {5}),
           conv({64, 64, 14, 14}, 64, {1}),
           conv({64, 64, 28, 28}, 64, {.size = 3, .padding = 1, .groups = 64}),
           conv({64, 64, 28, 28}, 64, {.size = 3, .padding = 1, .stride = 2, .groups = 64}),
           conv({64, 64, 14, 14}, 64, {.size = 5, .padding = 2, .groups = 64}),
           conv({64, 1, 28, 28}, 32, {4, 1, 2}),
           conv({64, 32, 14, 14}, 64, {4, 1, 2}),
           conv({64, 32, 14, 14}, 64, {3, 1, 2}),
           conv({64, 64, 7, 7}, 128, {3, 1, 2}),
           conv({64, 64, 14, 14}, 128, {.size = 1, .stride = 2}),
           conv({64, 128, 7, 7}, 1, {7}),
           conv_transpose({64, 100, 1, 1}, 128, {7}),
           conv_transpose({64, 128, 7, 7}, 64, {4, 1, 2}),
           conv_transpose({64, 64, 14, 14}, 1, {4, 1, 2}),
       }) {
    list.push_back(layer);
  }
  LayerCase first_layer = conv({64, 1, 28, 28}, 32, {3});
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
  for (const char* type : {"LeakyReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softplus"}) {
    list.push_back({"activation", type, {64, 64, 16, 16}, type});
  }
  list.push_back({"softmax", "of rows", {64, 1000}, "Softmax", R"({"dim":-1})"});
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

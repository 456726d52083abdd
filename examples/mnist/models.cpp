#include "models.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gradus::examples {

namespace {

using nlohmann::json;

/// Collects layers and numbers those of one type: conv1, conv2, ...
class LayerList {
 public:
  void add(const std::string& kind, const std::string& type, json options = json::object()) {
    int number = 1;
    for (const json& layer : layers_) {
      if (layer["type"] == type) ++number;
    }
    layers_.push_back(
        {{"name", kind + std::to_string(number)}, {"type", type}, {"options", std::move(options)}});
  }
  void add_linear(int64_t in, int64_t out) {
    add("fc", "Linear", {{"in_features", in}, {"out_features", out}});
  }
  void add_relu() { add("relu", "ReLU"); }
  void add_pool() { add("pool", "MaxPool2d", {{"kernel_size", 2}}); }
  std::string text() const { return json{{"layers", layers_}}.dump(2); }

 private:
  json layers_ = json::array();
};

[[noreturn]] void fail_unknown(const char* option, const std::string& name,
                               const std::vector<std::string>& names, const char* more) {
  const std::string meant = nearest_word(name, names);
  std::string hint = meant.empty() ? "" : "did you mean " + meant + "? ";
  for (const std::string& each : names) hint += (&each == &names[0] ? "there are " : ", ") + each;
  throw ValueError("model", str("unknown ", option, " ", name), hint + more);
}

/// The type of layer that --norm names.
std::string norm_type(const std::string& norm) {
  if (norm == "batch") return "BatchNorm2d";
  if (norm == "layer") return "LayerNorm";
  if (norm == "instance") return "InstanceNorm2d";
  if (norm == "group") return "GroupNorm";
  fail_unknown("--norm", norm, {"none", "batch", "layer", "instance", "group"}, "");
}

/// Its options, for [N, channels, side, side].
json norm_options(const std::string& norm, int64_t channels, int64_t side) {
  if (norm == "layer") return {{"normalized_shape", {channels, side, side}}};
  if (norm == "instance") return {{"num_features", channels}, {"affine", true}};
  if (norm == "group") return {{"num_groups", 8}, {"num_channels", channels}};
  return {{"num_features", channels}};
}

void add_conv_block(LayerList& layers, const std::string& norm, int64_t in, int64_t out,
                    int64_t side) {
  layers.add("conv", "Conv2d",
             {{"in_channels", in},
              {"out_channels", out},
              {"kernel_size", 3},
              {"padding", 1},
              {"bias", norm == "none"}});  // a bias before a norm would be dead weight
  if (norm != "none") layers.add("norm", norm_type(norm), norm_options(norm, out, side));
  layers.add_relu();
}

std::string cnn(const std::string& norm, const Task& task) {
  const int64_t half = task.side / 2, quarter = half / 2;
  LayerList layers;
  add_conv_block(layers, norm, task.channels, 16, task.side);
  add_conv_block(layers, norm, 16, 16, task.side);
  layers.add_pool();
  add_conv_block(layers, norm, 16, 32, half);
  add_conv_block(layers, norm, 32, 32, half);
  layers.add_pool();
  layers.add("flatten", "Flatten");
  layers.add_linear(32 * quarter * quarter, 128);
  layers.add_relu();
  layers.add("dropout", "Dropout", {{"p", 0.3}});
  layers.add_linear(128, task.classes);
  return layers.text();
}

std::string lenet(const Task& task) {
  const int64_t side = (task.side / 2 - 4) / 2;  // in front of the first linear layer
  LayerList layers;
  layers.add(
      "conv", "Conv2d",
      {{"in_channels", task.channels}, {"out_channels", 6}, {"kernel_size", 5}, {"padding", 2}});
  layers.add_relu();
  layers.add_pool();
  layers.add("conv", "Conv2d", {{"in_channels", 6}, {"out_channels", 16}, {"kernel_size", 5}});
  layers.add_relu();
  layers.add_pool();
  layers.add("flatten", "Flatten");
  layers.add_linear(16 * side * side, 120);
  layers.add_relu();
  layers.add_linear(120, 84);
  layers.add_relu();
  layers.add_linear(84, task.classes);
  return layers.text();
}

/// Pools first and normalizes and cuts off afterwards: the same function, on a quarter of the
/// elements, as long as no factor of a norm is negative.
std::string small(const Task& task) {
  LayerList layers;
  int64_t in = task.channels, side = task.side;
  for (const auto& [out, kernel] : {std::pair<int64_t, int64_t>{16, 5}, {32, 3}}) {
    layers.add(
        "conv", "Conv2d",
        {{"in_channels", in}, {"out_channels", out}, {"kernel_size", kernel}, {"bias", false}});
    layers.add_pool();
    layers.add("norm", "BatchNorm2d", {{"num_features", out}});
    layers.add_relu();
    in = out;
    side = (side - kernel + 1) / 2;
  }
  layers.add("flatten", "Flatten");
  layers.add_linear(in * side * side, 128);
  layers.add_relu();
  layers.add_linear(128, task.classes);
  return layers.text();
}

std::string deep(const Task& task) {
  LayerList layers;
  int64_t in = task.channels, side = task.side;
  for (const int64_t out : {32, 64, 128}) {
    add_conv_block(layers, "batch", in, out, side);
    add_conv_block(layers, "batch", out, out, side);
    layers.add_pool();
    in = out;
    side /= 2;
  }
  layers.add("flatten", "Flatten");
  layers.add("dropout", "Dropout", {{"p", 0.4}});
  layers.add_linear(in * side * side, task.classes);
  return layers.text();
}

std::string mlp(const Task& task) {
  LayerList layers;
  layers.add("flatten", "Flatten");
  layers.add_linear(task.channels * task.side * task.side, 256);
  layers.add_relu();
  layers.add_linear(256, 128);
  layers.add_relu();
  layers.add_linear(128, task.classes);
  return layers.text();
}

/// Reads the image row by row, from top to bottom, and decides at the end.
std::string lstm(const Task& task) {
  LayerList layers;
  layers.add("rows", "Flatten", {{"start_dim", 1}, {"end_dim", 2}});  // [N,1,28,28] to [N,28,28]
  layers.add("lstm", "LSTM",
             {{"input_size", task.side}, {"hidden_size", 128}, {"batch_first", true}});
  layers.add("last", "LastStep", {{"batch_first", true}});
  layers.add_linear(128, task.classes);
  return layers.text();
}

}  // namespace

std::string model_json(const std::string& model, const std::string& norm, const Task& task) {
  if (task.side < 16) {
    throw ValueError("model", str("images of ", task.side, "x", task.side, " are too small"),
                     "16x16 is the least; for others give a model file");
  }
  if (model == "cnn") return cnn(norm, task);
  if (model == "lenet") return lenet(task);
  if (model == "small") return small(task);
  if (model == "deep") return deep(task);
  if (model == "mlp") return mlp(task);
  if (model == "lstm") return lstm(task);
  fail_unknown("--model", model, {"cnn", "small", "deep", "lenet", "mlp", "lstm"},
               ", or the name of a .json file");
}

}  // namespace gradus::examples

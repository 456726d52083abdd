#include "models.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace gradus::examples {

namespace {

using nlohmann::json;

[[noreturn]] void fail_unknown(const char* option, const std::string& name,
                               const std::vector<std::string>& names, const char* more) {
  const std::string meant = nearest_word(name, names);
  throw ValueError(
      "model", str("unknown ", option, " ", name),
      str(meant.empty() ? "" : "did you mean " + meant + "? ", "there are ", joined(names), more));
}

/// A list of layers that grows at its end and knows the shape [channels, side, side] there. Layers
/// of one type are numbered: conv1, conv2 ...
class Layers {
 public:
  explicit Layers(const Task& task) : channels_(task.channels), side_(task.side) {}

  Layers& add(const std::string& kind, const std::string& type, json options = json::object()) {
    int number = 1;
    for (const json& layer : layers_) number += layer["type"] == type ? 1 : 0;
    layers_.push_back(
        {{"name", str(kind, number)}, {"type", type}, {"options", std::move(options)}});
    return *this;
  }
  Layers& conv(int64_t out, int64_t kernel, json more = json::object()) {
    json options = {{"in_channels", channels_}, {"out_channels", out}, {"kernel_size", kernel}};
    options.update(more);
    side_ += 2 * options.value("padding", int64_t{0}) - kernel + 1;
    channels_ = out;
    return add("conv", "Conv2d", options);
  }
  Layers& norm(const std::string& name) {
    if (name == "batch") return add("norm", "BatchNorm2d", {{"num_features", channels_}});
    if (name == "layer") {
      return add("norm", "LayerNorm", {{"normalized_shape", {channels_, side_, side_}}});
    }
    if (name == "instance") {
      return add("norm", "InstanceNorm2d", {{"num_features", channels_}, {"affine", true}});
    }
    if (name == "group") {
      return add("norm", "GroupNorm", {{"num_groups", 8}, {"num_channels", channels_}});
    }
    if (name == "none") return *this;
    fail_unknown("--norm", name, {"none", "batch", "layer", "instance", "group"}, "");
  }
  Layers& relu() { return add("relu", "ReLU"); }
  Layers& pool() {
    side_ /= 2;
    return add("pool", "MaxPool2d", {{"kernel_size", 2}});
  }
  Layers& dropout(double p) { return add("dropout", "Dropout", {{"p", p}}); }
  Layers& flatten() {
    features_ = channels_ * side_ * side_;
    return add("flatten", "Flatten");
  }
  Layers& linear(int64_t out) {
    const int64_t in = std::exchange(features_, out);
    return add("fc", "Linear", {{"in_features", in}, {"out_features", out}});
  }
  /// Convolution, norm and ReLU. A bias before a norm would be dead weight.
  Layers& block(int64_t out, const std::string& norm_name) {
    return conv(out, 3, {{"padding", 1}, {"bias", norm_name == "none"}}).norm(norm_name).relu();
  }
  std::string text() const { return json{{"layers", layers_}}.dump(2); }

 private:
  json layers_ = json::array();
  int64_t channels_, side_, features_ = 0;
};

Layers cnn(const Task& task, const std::string& norm) {
  Layers net(task);
  net.block(16, norm).block(16, norm).pool();
  net.block(32, norm).block(32, norm).pool();
  return net.flatten().linear(128).relu().dropout(0.3).linear(task.classes);
}

Layers lenet(const Task& task) {
  Layers net(task);
  net.conv(6, 5, {{"padding", 2}}).relu().pool().conv(16, 5).relu().pool();
  return net.flatten().linear(120).relu().linear(84).relu().linear(task.classes);
}

/// Pools first and normalizes and cuts off afterwards: the same function, on a quarter of the
/// elements, as long as no factor of a norm is negative.
Layers small(const Task& task) {
  Layers net(task);
  net.conv(16, 5, {{"bias", false}}).pool().norm("batch").relu();
  net.conv(32, 3, {{"bias", false}}).pool().norm("batch").relu();
  return net.flatten().linear(128).relu().linear(task.classes);
}

Layers deep(const Task& task) {
  Layers net(task);
  for (const int64_t out : {32, 64, 128}) net.block(out, "batch").block(out, "batch").pool();
  return net.flatten().dropout(0.4).linear(task.classes);
}

Layers mlp(const Task& task) {
  return Layers(task).flatten().linear(256).relu().linear(128).relu().linear(task.classes);
}

/// Reads the image row by row, from top to bottom, and decides at the end.
Layers lstm(const Task& task) {
  constexpr int64_t hidden = 128;
  return Layers(task)
      .add("rows", "Flatten", {{"start_dim", 1}, {"end_dim", 2}})  // [N,1,28,28] to [N,28,28]
      .add("lstm", "LSTM",
           {{"input_size", task.side}, {"hidden_size", hidden}, {"batch_first", true}})
      .add("last", "LastStep", {{"batch_first", true}})
      .add("fc", "Linear", {{"in_features", hidden}, {"out_features", task.classes}});
}

}  // namespace

std::string model_json(const std::string& model, const std::string& norm, const Task& task) {
  require(task.side >= 16, "model", "16x16 is the least; for others give a model file",
          "images of ", task.side, "x", task.side, " are too small");
  if (model == "cnn") return cnn(task, norm).text();
  if (model == "lenet") return lenet(task).text();
  if (model == "small") return small(task).text();
  if (model == "deep") return deep(task).text();
  if (model == "mlp") return mlp(task).text();
  if (model == "lstm") return lstm(task).text();
  fail_unknown("--model", model, {"cnn", "small", "deep", "lenet", "mlp", "lstm"},
               ", or the name of a .json file");
}

}  // namespace gradus::examples

#include "export_run.h"

#include <gradus/core/base/text.h>
#include <gradus/gradus.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "saved_run.h"

namespace gradus::examples {

namespace {

using nlohmann::json;

/// Of an image of the run's data. Runs of earlier versions do not say: theirs were MNIST and its
/// relatives, or CIFAR.
Shape image_shape(const json& config, size_t channels) {
  const json& shape = config.value("image", json());
  if (shape.is_array() && !shape.empty()) return Shape(shape.get<std::vector<int64_t>>());
  return channels == 3 ? Shape{3, 32, 32} : Shape{1, 28, 28};
}

}  // namespace

void export_run(const ExportOptions& options) {
  const auto [config, net] = open_run(options.run);
  const auto normalization = normalization_of(config);
  nn::PixelNormalization pixels;
  for (const data::Normalization& channel : normalization) {
    pixels.mean.push_back(channel.mean);
    pixels.std.push_back(channel.std);
  }
  nn::OnnxOptions onnx{.input_name = "images", .output_name = "logits"};
  if (options.with_normalization) onnx.normalization = pixels;
  onnx.metadata = {{"classes", config.value("classes", json::array()).dump()}};
  Shape shape = image_shape(config, normalization.size());
  shape.insert(0, 1);
  nn::save_onnx(options.onnx, *net, zeros(shape), onnx);
  std::string sizes = "batch";
  for (int d = 1; d < shape.dim(); ++d) sizes += str(",", shape[d]);
  std::cout << options.onnx << ": images [" << sizes << "], "
            << (options.with_normalization
                    ? "uint8, 0 to 255"
                    : str("float32: (pixel / 255 - ", pixels.mean[0], ") / ", pixels.std[0]))
            << ", to logits [batch,classes]\n";
}

}  // namespace gradus::examples

// The nets of the MNIST example, as model files.
#pragma once

#include <cstdint>
#include <string>

namespace gradus::examples {

/// What a net gets and gives. The images are square.
struct Task {
  int64_t channels = 1;
  int64_t side = 28;
  int64_t classes = 10;
};

/// A model file (JSON) for such images.
///
/// `model`: "cnn" (four convolutions with norm, the default recipe), "small" (two convolutions with
/// batch norm), "deep" (six of them), "lenet" (LeNet-5 with ReLU and max pooling), "mlp"
/// (pixels-256-128-classes) or "lstm" (row by row, channel after channel, 128 hidden units).
/// `norm`: "none", "batch", "layer", "instance" or "group", for the cnn; the others have none.
/// Throws ValueError for anything else, and for images below 16x16.
std::string model_json(const std::string& model, const std::string& norm, const Task& task = {});

}  // namespace gradus::examples

// The nets of the MNIST example, as model files.
#pragma once

#include <string>

namespace gradus::examples {

/// A model file (JSON) for 28x28 gray images and ten classes.
///
/// `model`: "cnn" (four convolutions with norm, the default recipe), "lenet" (LeNet-5 with ReLU and
/// max pooling), "mlp" (784-256-128-10) or "lstm" (row by row, 128 hidden units). `norm`: "none",
/// "batch", "layer", "instance" or "group", for the cnn; the others have none. Throws ValueError
/// for anything else.
std::string model_json(const std::string& model, const std::string& norm);

}  // namespace gradus::examples

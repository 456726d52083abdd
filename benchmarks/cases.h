// Which layers are measured, as data, so that Gradus and its peers measure the same: JSON with
// PyTorch's names, and input shapes. Nothing here depends on a framework.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradus::bench {

struct LayerCase {
  std::string op;              ///< first part of the name: "conv2d"
  std::string variant;         ///< second part: "3x3 to 32"
  std::vector<int64_t> input;  ///< third part: shape of the input
  std::string type;            ///< of the layer: "Conv2d"
  std::string options = "{}";  ///< as in model files
  bool evaluation = false;     ///< in evaluation mode
  bool input_gradient = true;  ///< the input needs a gradient

  /// "conv2d/3x3_to_32/64x1x28x28".
  std::string name() const;
};

/// Layers at the shapes of small nets on MNIST, in batches of 64. There are also the types
///   CrossEntropyLoss  of scores and classes,
///   Adam, SGD         one step with the parameters of the net that the option "net" names,
///   Chain             as many additions of one number as the option "length" says.
const std::vector<LayerCase>& layer_cases();

}  // namespace gradus::bench

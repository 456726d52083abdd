// What an ONNX file says, as structs. For the .cpp files of nn/onnx.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "../../core/tensor.h"

namespace gradus::nn {
class Module;
}

/// The messages of ONNX files, as far as Gradus writes and reads them. What they mean is told by
/// the standard's operator reference; numbers of fields are those of its onnx.proto.
namespace gradus::onnx {

/// The value of an attribute.
using AttributeValue = std::variant<int64_t, float, std::string, std::vector<int64_t>,
                                    std::vector<float>, Tensor, std::vector<std::string>>;

/// One operation.
struct Node {
  std::string op_type;               ///< "Conv"
  std::string name;                  ///< the module path and operation, "layer1.conv"; may be empty
  std::vector<std::string> inputs;   ///< names of values; "" for an optional one that is left out
  std::vector<std::string> outputs;  ///< names of values; "" for one that nobody needs
  std::map<std::string, AttributeValue, std::less<>> attributes = {};  ///< by name
  std::string domain = {};                                             ///< "" is ONNX itself
};

/// The name, type and shape of an input or output.
struct ValueInfo {
  /// A size, or the name of one that is not fixed, "batch"; empty if it is not known at all.
  using Size = std::variant<int64_t, std::string>;
  std::string name;
  DType dtype = DType::float32;
  std::vector<Size> shape;
};

/// An ONNX model: one graph.
struct Model {
  int64_t ir_version = 8;
  int64_t opset = 17;  ///< the version of ONNX' own operators
  std::string graph_name = "net";
  std::vector<Node> nodes = {};  ///< each after those whose outputs it uses
  NamedTensors initializers = {};
  std::vector<ValueInfo> inputs = {};  ///< without initializers
  std::vector<ValueInfo> outputs = {};
  std::map<std::string, std::string> metadata = {};
};

/// The bytes of a file.
std::string to_bytes(const Model& model);

/// The model in the bytes of a file; `file` stands for it in errors. Throws IoError for what is cut
/// or damaged or has types that Gradus has not, naming node or tensor. Nothing large is allocated
/// before its size has been checked against the file.
Model parse_model(std::span<const std::byte> bytes, std::string_view file);

/// The module that a model describes: see nn::load_onnx.
std::unique_ptr<nn::Module> to_module(Model model, const std::string& file);

}  // namespace gradus::onnx

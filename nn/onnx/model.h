// What an ONNX file says, as structs. For the .cpp files of nn/onnx.
#pragma once

#include <algorithm>
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

/// What the elements of a tensor are in a file, and what they become.
struct ElementType {
  int64_t code;
  const char* name;
  DType dtype;
  size_t bytes;  ///< of an element in the file
};
/// The types that can be read. The first one of each DType is the one that is written.
inline constexpr ElementType element_types[] = {
    {1, "float", float32, 4},    {11, "double", float64, 8}, {6, "int32", int32, 4},
    {7, "int64", int64, 8},      {2, "uint8", uint8, 1},     {9, "bool", boolean, 1},
    {3, "int8", int32, 1},       {5, "int16", int32, 2},     {10, "float16", float32, 2},
    {16, "bfloat16", float32, 2}};
/// The code with which elements are written.
constexpr int64_t code_of(DType dtype) {
  return std::ranges::find(element_types, dtype, &ElementType::dtype)->code;
}

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

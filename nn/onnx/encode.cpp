// Numbers of fields and types are those of the standard's onnx.proto.
#include "../../core/base/error.h"
#include "../../core/io/protobuf.h"
#include "../../core/ops.h"
#include "model.h"

namespace gradus::onnx {

namespace {

using protobuf::bytes;
using protobuf::single;
using protobuf::varint;

/// A whole number that is written even if it is 0: what is left out has no value.
std::string number(unsigned field, int64_t value) {
  return varint(field << 3U) + varint(static_cast<uint64_t>(value));
}

std::string numbers(unsigned field, std::span<const int64_t> values) {
  std::string text;
  for (const int64_t value : values) text += number(field, value);
  return text;
}

std::string tensor_message(const std::string& name, const Tensor& tensor) {
  const Tensor dense = contiguous(tensor.detach());
  const Shape& shape = dense.shape();
  return str(
      numbers(1, std::span(shape.begin(), shape.end())), number(2, code_of(dense.dtype())),
      name.empty() ? "" : bytes(8, name),
      bytes(9, {static_cast<const char*>(dense.raw_data()), static_cast<size_t>(dense.nbytes())}));
}

/// The fields of a value and, last, the number of its type.
struct AttributeFields {
  std::string operator()(int64_t value) const { return number(3, value) + number(20, 2); }
  std::string operator()(float value) const { return single(2, value) + number(20, 1); }
  std::string operator()(const std::string& value) const { return bytes(4, value) + number(20, 3); }
  std::string operator()(const std::vector<int64_t>& values) const {
    return numbers(8, values) + number(20, 7);
  }
  std::string operator()(const std::vector<float>& values) const {
    std::string text;
    for (const float value : values) text += single(7, value);
    return text + number(20, 6);
  }
  std::string operator()(const std::vector<std::string>& values) const {
    std::string text;
    for (const std::string& value : values) text += bytes(9, value);
    return text + number(20, 8);
  }
  std::string operator()(const Tensor& value) const {
    return bytes(5, tensor_message("", value)) + number(20, 4);
  }
};

std::string node_message(const Node& node) {
  std::string text;
  for (const std::string& input : node.inputs) text += bytes(1, input);
  for (const std::string& output : node.outputs) text += bytes(2, output);
  text += bytes(3, node.name) + bytes(4, node.op_type);
  for (const auto& [name, value] : node.attributes) {
    text += bytes(5, bytes(1, name) + std::visit(AttributeFields(), value));
  }
  return node.domain.empty() ? text : text + bytes(7, node.domain);
}

std::string value_message(const ValueInfo& value) {
  std::string shape;
  for (const ValueInfo::Size& size : value.shape) {
    const auto* const name = std::get_if<std::string>(&size);
    shape += bytes(1, name != nullptr ? bytes(2, *name) : number(1, std::get<int64_t>(size)));
  }
  const std::string type = number(1, code_of(value.dtype)) + bytes(2, shape);
  return bytes(1, value.name) + bytes(2, bytes(1, type));
}

}  // namespace

std::string to_bytes(const Model& model) {
  std::string graph;
  for (const Node& node : model.nodes) graph += bytes(1, node_message(node));
  graph += bytes(2, model.graph_name);
  for (const auto& [name, tensor] : model.initializers) {
    graph += bytes(5, tensor_message(name, tensor));
  }
  for (const ValueInfo& input : model.inputs) graph += bytes(11, value_message(input));
  for (const ValueInfo& output : model.outputs) graph += bytes(12, value_message(output));
  std::string text = str(number(1, model.ir_version), bytes(2, "gradus"), bytes(3, GRADUS_VERSION),
                         bytes(7, graph), bytes(8, bytes(1, "") + number(2, model.opset)));
  for (const auto& [key, value] : model.metadata)
    text += bytes(14, bytes(1, key) + bytes(2, value));
  return text;
}

}  // namespace gradus::onnx

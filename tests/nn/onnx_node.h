// Small ONNX models, as structs.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../../nn/module.h"
#include "../../nn/onnx/model.h"

namespace gradus::test {

using Attributes = std::map<std::string, onnx::AttributeValue, std::less<>>;
using Ints = std::vector<int64_t>;

/// A model from "x" to "y" of these nodes and initializers.
inline onnx::Model onnx_model(std::vector<onnx::Node> nodes, NamedTensors initializers = {},
                              int64_t opset = 17) {
  onnx::Model model;
  model.opset = opset;
  model.nodes = std::move(nodes);
  model.initializers = std::move(initializers);
  model.inputs = {{.name = "x", .dtype = float32, .shape = {}}};
  model.outputs = {{.name = "y", .dtype = float32, .shape = {}}};
  return model;
}

inline std::unique_ptr<nn::Module> onnx_net(std::vector<onnx::Node> nodes,
                                            NamedTensors initializers = {}, int64_t opset = 17) {
  return onnx::to_module(onnx_model(std::move(nodes), std::move(initializers), opset), "net.onnx");
}

/// One node "n" from "x", and from constants as its other inputs, to "y".
struct OneNode {
  const char* op_type;
  Attributes attributes = {};
  std::vector<Tensor> constants = {};  ///< undefined for an input that is left out
  int64_t opset = 17;

  std::unique_ptr<nn::Module> net() const {
    onnx::Node node{op_type, "n", {"x"}, {"y"}, attributes};
    NamedTensors initializers;
    for (const Tensor& t : constants) {
      node.inputs.push_back(t.defined() ? "c" + std::to_string(initializers.size()) : "");
      if (t.defined()) initializers.push_back({node.inputs.back(), t});
    }
    return onnx_net({node}, initializers, opset);
  }
  Tensor operator()(const Tensor& x) const { return (*net())(x); }
};

}  // namespace gradus::test

#include <algorithm>
#include <array>

#include "translate.h"

namespace gradus::onnx {

namespace {

/// A kind of layer, and which of PyTorch's gates each of ONNX' is.
struct Kind {
  const char* op_type;
  std::vector<int64_t> gates;
};

Kind kind_of(std::string_view type) {
  if (type == "LSTM") return {"LSTM", {0, 3, 1, 2}};  // i f g o as i o f g
  if (type == "GRU") return {"GRU", {1, 0, 2}};       // r z n as z r n
  return {"RNN", {0}};
}

/// A weight or a bias with its gates in the order of ONNX.
Tensor reordered(const Tensor& parameter, const std::vector<int64_t>& gates) {
  const int64_t rows = parameter.size(0) / static_cast<int64_t>(gates.size());
  std::vector<Tensor> parts;
  parts.reserve(gates.size());
  for (const int64_t gate : gates) parts.push_back(parameter.detach().narrow(0, gate * rows, rows));
  return cat(parts, 0);
}

/// The parameters of one layer: of each direction a row.
struct Weights {
  Tensor input, hidden, bias;
};

Weights weights_of(const nn::Module& module, const Kind& kind, int64_t layer, bool bidirectional,
                   bool has_bias) {
  std::vector<Tensor> input, hidden, bias;
  for (const char* direction : {"", "_reverse"}) {
    if (*direction != 0 && !bidirectional) break;
    const auto parameter = [&](const char* name) {
      return reordered(module.get_parameter(str(name, "_l", layer, direction)), kind.gates);
    };
    input.push_back(parameter("weight_ih"));
    hidden.push_back(parameter("weight_hh"));
    if (has_bias) bias.push_back(cat({parameter("bias_ih"), parameter("bias_hh")}, 0));
  }
  return {stack(input), stack(hidden), has_bias ? stack(bias) : Tensor()};
}

/// True if states start as zeros: what a call was given stays composed.
bool starts_from_zeros(const Operation& c, const Operation::Outside& outside) {
  const NamedTensors own = c.module().named_parameters();
  return std::all_of(outside.constant.begin(), outside.constant.end(), [&](const Value& value) {
    if (!is_floating(value.dtype)) return true;
    const bool is_parameter = std::any_of(
        own.begin(), own.end(),
        [&](const NamedTensor& parameter) { return parameter.tensor.is_same(value.constant); });
    return is_parameter || gradus::abs(value.constant.detach()).sum().item() == 0;
  });
}

std::string recurrent(const Operation& c) {
  const NoGrad pause;
  const Operation::Outside outside = c.outside();
  if (outside.dynamic.size() != 1 || outside.dynamic[0].dims() != 3 ||
      !starts_from_zeros(c, outside)) {
    return "";
  }
  const auto transposed = [&](const std::string& x, std::vector<int64_t> order) {
    return c.node("Transpose", {x}, {{"perm", std::move(order)}});
  };
  const Kind kind = kind_of(c.op());
  const bool bidirectional = c.number("bidirectional") == 1;
  const bool batch_first = c.number("batch_first") == 1;
  Attributes attributes = {{"hidden_size", c.integer("hidden_size")},
                           {"direction", bidirectional ? "bidirectional" : "forward"}};
  if (c.op() == "GRU") attributes.emplace("linear_before_reset", 1);
  if (c.text("nonlinearity") == "relu") {
    attributes.emplace("activations", Names(bidirectional ? 2 : 1, "Relu"));
  }
  std::string x = outside.dynamic[0].name;
  if (batch_first) x = transposed(x, {1, 0, 2});
  for (int64_t layer = 0; layer < c.integer("num_layers"); ++layer) {
    const Weights w = weights_of(c.module(), kind, layer, bidirectional, c.number("bias") == 1);
    Names inputs = {x, c.constant(w.input, str("W_l", layer)),
                    c.constant(w.hidden, str("R_l", layer))};
    if (w.bias.defined()) inputs.push_back(c.constant(w.bias, str("B_l", layer)));
    // [steps, directions, N, hidden]
    const std::string y = c.node(kind.op_type, inputs, attributes);
    x = bidirectional ? c.node("Reshape", {transposed(y, {0, 2, 1, 3}), c.list({0, 0, -1})})
                      : c.node("Squeeze", {y, c.list({1})});
  }
  return batch_first ? transposed(x, {1, 0, 2}) : x;
}

}  // namespace

std::span<const Rule> recurrent_rules() {
  static constexpr Rule rules[] = {{"LSTM", recurrent}, {"GRU", recurrent}, {"RNN", recurrent}};
  return rules;
}

}  // namespace gradus::onnx

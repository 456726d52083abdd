// Activation functions.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::op_table {
namespace {

const Input argument{.shape = {3, 4}, .large = {8, 70, 101}};

Row activation(const char* op, const char* text, Tensor (*call)(const Tensors&)) {
  return {.op = op, .form = text, .inputs = {argument}, .call = call};
}

}  // namespace

std::vector<Row> activation_rows() {
  return {
      activation("relu", "relu(x)", [](const Tensors& t) { return relu(t[0]); }),
      activation("leaky_relu", "leaky_relu(x, 0.1)",
                 [](const Tensors& t) { return leaky_relu(t[0], 0.1); }),
      activation("elu", "elu(x, 1.3)", [](const Tensors& t) { return elu(t[0], 1.3); }),
      activation("gelu", "gelu(x)", [](const Tensors& t) { return gelu(t[0]); }),
      activation("gelu", "gelu(x, tanh)", [](const Tensors& t) { return gelu(t[0], Gelu::tanh); }),
      activation("softplus", "softplus(x, 1.7)",
                 [](const Tensors& t) { return softplus(t[0], 1.7); }),
      {.op = "relu_gradient",
       .form = "gradient of relu(x)",
       .inputs = {argument, argument},
       .call = gradient_of([](const Tensors& t) { return relu(t[0]); })},
      activation("silu", "silu(x)", [](const Tensors& t) { return silu(t[0]); }),
      activation("log_sigmoid", "log_sigmoid(x)",
                 [](const Tensors& t) { return log_sigmoid(t[0]); }),
      activation("hardtanh", "hardtanh(x, -0.9, 0.8)",
                 [](const Tensors& t) { return hardtanh(t[0], -0.9, 0.8); }),
      activation("hardtanh", "relu6(4 x)", [](const Tensors& t) { return relu6(mul(t[0], 4)); }),
      activation("hardsigmoid", "hardsigmoid(2.1 x)",
                 [](const Tensors& t) { return hardsigmoid(mul(t[0], 2.1)); }),
      activation("hardswish", "hardswish(2.1 x)",
                 [](const Tensors& t) { return hardswish(mul(t[0], 2.1)); }),
      activation("hardshrink", "hardshrink(x, 0.8)",
                 [](const Tensors& t) { return hardshrink(t[0], 0.8); }),
      activation("softshrink", "softshrink(x, 0.8)",
                 [](const Tensors& t) { return softshrink(t[0], 0.8); }),
      activation("", "tanhshrink(x)", [](const Tensors& t) { return tanhshrink(t[0]); }),
      activation("softsign", "softsign(x)", [](const Tensors& t) { return softsign(t[0]); }),
      activation("", "threshold(x, 0.2, 7)",
                 [](const Tensors& t) { return threshold(t[0], 0.2, 7); }),
      activation("", "selu(x)", [](const Tensors& t) { return selu(t[0]); }),
      activation("celu", "celu(x, 0.6)", [](const Tensors& t) { return celu(t[0], 0.6); }),
      activation("mish", "mish(x)", [](const Tensors& t) { return mish(t[0]); }),
      activation("", "glu(x, 1)", [](const Tensors& t) { return glu(t[0], 1); }),
      activation("", "softmin(x, 0)", [](const Tensors& t) { return softmin(t[0], 0); }),
      {.op = "",
       .form = "prelu(x, weight)",
       .inputs = {argument, {.shape = {4}, .large = {70}}},
       .call = [](const Tensors& t) { return prelu(t[0], t[1]); }},
  };
}

}  // namespace gradus::op_table

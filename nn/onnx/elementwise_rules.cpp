#include <cmath>
#include <numbers>

#include "../../core/base/name.h"
#include "translate.h"

namespace gradus::onnx {

namespace {

/// Operations that ONNX has as well, of one and of two tensors.
/// @{
template <Name op_type>
std::string same(const Operation& c) {
  return c.node(op_type.text, {c.in(0).name});
}
template <Name op_type>
std::string same_of_two(const Operation& c) {
  return c.node(op_type.text, {c.broadcast(0).name, c.broadcast(1).name});
}
/// @}

/// One with an option that has another name there.
template <Name op_type, Name option, Name attribute>
std::string with_option(const Operation& c) {
  return c.node(op_type.text, {c.in(0).name},
                {{attribute.text, static_cast<float>(c.number(option.text))}});
}

template <Name low, Name high>
std::string clip(const Operation& c) {
  // Bounds that are infinite are left out.
  const auto bound = [&](const char* name) {
    const double value = c.number(name);
    return std::isinf(value) ? "" : c.scalar(value);
  };
  return c.node("Clip", {c.in(0).name, bound(low.text), bound(high.text)});
}

/// x/2 (1 + f), for both forms of gelu.
std::string gelu_with(const Operation& c, const std::string& x, const std::string& f) {
  const std::string half = c.node("Mul", {x, c.scalar(0.5)});
  return c.node("Mul", {half, c.node("Add", {f, c.scalar(1)})});
}

std::string gelu(const Operation& c) {
  const std::string x = c.in(0).name;
  if (c.text("approximate") == "none") {
    return gelu_with(c, x, c.node("Erf", {c.node("Mul", {x, c.scalar(std::sqrt(0.5))})}));
  }
  const std::string cube = c.node("Mul", {c.node("Mul", {x, x}), x});
  const std::string inner = c.node("Add", {x, c.node("Mul", {cube, c.scalar(0.044715)})});
  const double factor = std::sqrt(2 / std::numbers::pi);
  return gelu_with(c, x, c.node("Tanh", {c.node("Mul", {inner, c.scalar(factor)})}));
}

std::string softplus(const Operation& c) {
  const std::string x = c.in(0).name;
  const double beta = c.number("beta"), threshold = c.number("threshold");
  const std::string scaled = beta == 1 ? x : c.node("Mul", {x, c.scalar(beta)});
  std::string y = c.node("Softplus", {scaled});
  if (beta != 1) y = c.node("Div", {y, c.scalar(beta)});
  // Above 20 the function is x to all digits of a float.
  if (threshold >= 20) return y;
  return c.node("Where", {c.node("Greater", {scaled, c.scalar(threshold)}), x, y});
}

std::string remainder(const Operation& c) {  // has the sign of the divisor
  const std::string a = c.broadcast(0).name, b = c.broadcast(1).name;
  const std::string whole = c.node("Floor", {c.node("Div", {a, b})});
  return c.node("Sub", {a, c.node("Mul", {whole, b})});
}

/// Both are of one tensor.
std::string square(const Operation& c) {
  const std::string x = c.in(0).name;
  return c.node("Mul", {x, x});
}

std::string shrink(const Operation& c) {
  const auto lambda = static_cast<float>(c.number("lambda"));
  const float bias = c.op() == "softshrink" ? lambda : 0;
  return c.node("Shrink", {c.in(0).name}, {{"lambd", lambda}, {"bias", bias}});
}

}  // namespace

std::span<const Rule> elementwise_rules() {
  static constexpr Rule rules[] = {
      {"neg", same<"Neg">},
      {"abs", same<"Abs">},
      {"sign", same<"Sign">},
      {"floor", same<"Floor">},
      {"ceil", same<"Ceil">},
      {"round", same<"Round">},
      {"trunc",
       [](const Operation& c) {
         const std::string x = c.in(0).name;
         return c.node("Mul", {c.node("Sign", {x}), c.node("Floor", {c.node("Abs", {x})})});
       }},
      {"square", square},
      {"sqrt", same<"Sqrt">},
      {"rsqrt",
       [](const Operation& c) { return c.node("Reciprocal", {c.node("Sqrt", {c.in(0).name})}); }},
      {"reciprocal", same<"Reciprocal">},
      {"exp", same<"Exp">},
      {"exp2",
       [](const Operation& c) {
         return c.node("Pow", {c.scalar(2), c.in(0).name});
       }},
      {"expm1",
       [](const Operation& c) {
         return c.node("Sub", {c.node("Exp", {c.in(0).name}), c.scalar(1)});
       }},
      {"log", same<"Log">},
      {"log2",
       [](const Operation& c) {
         return c.node("Mul", {c.node("Log", {c.in(0).name}), c.scalar(std::numbers::log2e)});
       }},
      {"log1p",
       [](const Operation& c) {
         return c.node("Log", {c.node("Add", {c.in(0).name, c.scalar(1)})});
       }},
      {"sin", same<"Sin">},
      {"cos", same<"Cos">},
      {"tan", same<"Tan">},
      {"asin", same<"Asin">},
      {"acos", same<"Acos">},
      {"atan", same<"Atan">},
      {"sinh", same<"Sinh">},
      {"cosh", same<"Cosh">},
      {"tanh", same<"Tanh">},
      {"sigmoid", same<"Sigmoid">},
      {"erf", same<"Erf">},
      {"clamp", clip<"lo", "hi">},
      // Activations
      {"relu", same<"Relu">},
      {"leaky_relu", with_option<"LeakyRelu", "negative_slope", "alpha">},
      {"elu", with_option<"Elu", "alpha", "alpha">},
      {"celu", with_option<"Celu", "alpha", "alpha">},
      {"gelu", gelu},
      {"silu",
       [](const Operation& c) {
         const std::string x = c.in(0).name;
         return c.node("Mul", {x, c.node("Sigmoid", {x})});
       }},
      {"log_sigmoid",
       [](const Operation& c) {
         return c.node("Neg", {c.node("Softplus", {c.node("Neg", {c.in(0).name})})});
       }},
      {"softplus", softplus},
      {"mish",
       [](const Operation& c) {
         const std::string x = c.in(0).name;
         return c.node("Mul", {x, c.node("Tanh", {c.node("Softplus", {x})})});
       }},
      {"hardswish", same<"HardSwish">},
      {"softsign", same<"Softsign">},
      {"hardshrink", shrink},
      {"softshrink", shrink},
      {"hardsigmoid",
       [](const Operation& c) {
         return c.node("HardSigmoid", {c.in(0).name}, {{"alpha", 1.F / 6}, {"beta", 0.5F}});
       }},
      {"hardtanh", clip<"min_val", "max_val">},
      // Of two
      {"add", same_of_two<"Add">},
      {"sub", same_of_two<"Sub">},
      {"mul", same_of_two<"Mul">},
      {"mul_or_zero", same_of_two<"Mul">},
      {"div", same_of_two<"Div">},
      {"pow", same_of_two<"Pow">},
      {"maximum", same_of_two<"Max">},
      {"minimum", same_of_two<"Min">},
      {"remainder", remainder},
      {"where",
       [](const Operation& c) {
         return c.node("Where", {c.broadcast(0).name, c.broadcast(1).name, c.broadcast(2).name});
       }},
  };
  return rules;
}

}  // namespace gradus::onnx

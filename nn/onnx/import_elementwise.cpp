// Nodes that compute element by element, and activations.
#include <algorithm>
#include <cmath>

#include "../../core/base/error.h"
#include "import_node.h"

namespace gradus::onnx {

namespace {

template <auto f>
Compute unary(NodeReader&) {
  return one([](const Call& c) { return f(c[0]); });
}
template <auto f>
Compute binary(NodeReader&) {
  return one([](const Call& c) { return f(c[0], c[1]); });
}
/// Of any number of inputs.
template <auto f>
Compute folded(NodeReader&) {
  return one([](const Call& c) {
    Tensor y = c[0];
    for (size_t i = 1; i < c.inputs.size(); ++i) y = f(y, c[i]);
    return y;
  });
}

Compute mean_of_inputs(NodeReader& n) {
  const Compute sum = folded<add>(n);
  return one([sum](const Call& c) { return sum(c)[0] / static_cast<double>(c.inputs.size()); });
}

/// Integers are divided towards 0, in float64, which is exact for those that it can hold.
Tensor divide(const Tensor& a, const Tensor& b) {
  if (!is_integral(a.dtype()) || a.dtype() != b.dtype()) return div(a, b);
  const Tensor x = a.to(float64), y = b.to(float64);
  for (const Tensor& t : {x, y}) {
    require(t.numel() == 0 || max(abs(t)).item() < 0x1p53, load_op, "use smaller numbers",
            "integers beyond 2^53 are not divided exactly");
  }
  require(!any(eq(b, 0)).item<bool>(), load_op, "the net divides sizes", "an integer divided by 0");
  return trunc(x / y).to(a.dtype());
}

/// The exponent may be of another type. A number that nobody differentiates is one for pow, too,
/// which knows the derivatives of squares.
Tensor power(const Tensor& x, const Tensor& exponent) {
  if (exponent.numel() == 1 && exponent.dim() <= x.dim() && !exponent.requires_grad()) {
    return pow(x, exponent.item());
  }
  return pow(x, exponent.dtype() == x.dtype() ? exponent : exponent.to(x.dtype()));
}

Compute modulo(NodeReader& n) {
  if (!n.flag("fmod", false)) return binary<remainder>(n);
  return one([](const Call& c) {  // with the sign of a
    const Tensor r = remainder(c[0], c[1]);
    const Tensor differs = logical_and(ne(r, 0), ne(sign(r), sign(c[0])));
    return where(differs, r - c[1], r);
  });
}

Tensor exclusive_or(const Tensor& a, const Tensor& b) {
  return ne(a.to(uint8), b.to(uint8));
}

// --- Activations ---

constexpr double selu_alpha = 1.6732632, selu_gamma = 1.0507009873554805;

bool is_near(double a, double b) {
  return std::abs(a - b) <= 1e-6 * std::abs(b);
}

Compute selu_with(NodeReader& n) {
  const double alpha = n.number("alpha", selu_alpha), gamma = n.number("gamma", selu_gamma);
  if (is_near(alpha, selu_alpha) && is_near(gamma, selu_gamma)) return unary<selu>(n);
  return one([=](const Call& c) { return elu(c[0], alpha) * gamma; });
}

Compute gelu_in_form(NodeReader& n) {
  const std::string form = n.text("approximate", "none");
  n.check(form == "none" || form == "tanh", "", "approximate = '", printable(form), "'");
  const Gelu gelu_form = form == "tanh" ? Gelu::tanh : Gelu::exact;
  return one([=](const Call& c) { return gelu(c[0], gelu_form); });
}

/// The slope broadcasts against x. One number, or one for each channel, is what prelu() takes.
Tensor prelu_with(const Tensor& x, const Tensor& slope) {
  const bool per_channel = x.dim() >= 2 && slope.dim() == x.dim() - 1 &&
                           slope.shape()[0] == x.shape()[1] && slope.numel() == x.shape()[1];
  if (slope.numel() == 1 || per_channel) return prelu(x, reshape(slope, {slope.numel()}));
  return where(gt(x, 0), x, slope * x);
}

Compute hard_sigmoid(NodeReader& n) {
  const double alpha = n.number("alpha", 0.2), beta = n.number("beta", 0.5);
  if (is_near(alpha, 1.0 / 6) && beta == 0.5) return unary<hardsigmoid>(n);
  return one([=](const Call& c) { return hardtanh(c[0] * alpha + beta, 0, 1); });
}

/// exp(-40) is below the rounding of 40 in float64.
Tensor soft_plus(const Tensor& x) {
  return softplus(x, 1, 40);
}

/// Bounds are attributes before opset 11.
Compute clip(NodeReader& n) {
  std::optional<double> low, high;
  if (n.has("min")) low = n.number("min", 0);
  if (n.has("max")) high = n.number("max", 0);
  const auto bound = [](const Call& c, size_t i, std::optional<double> attribute) {
    return c.has(i) ? c[i].item() : attribute;
  };
  return one([=](const Call& c) {
    const auto from = bound(c, 1, low), to = bound(c, 2, high);
    return from || to ? clamp(c[0], from, to) : c[0];
  });
}

/// `parameter` is the attribute of the function's number.
template <auto f>
Compute with_number(NodeReader& n, const char* parameter, double otherwise) {
  const double number = n.number(parameter, otherwise);
  return one([number](const Call& c) { return f(c[0], number); });
}

/// Attributes of the dropout do not matter to evaluation.
Compute drop(NodeReader& n) {
  n.ignore("seed");
  const double ratio = n.number("ratio", 0.5);
  return one([ratio](const Call& c) {
    const double p = c.has(1) ? c[1].item() : ratio;
    return c.training && p != 0 ? dropout(c[0], p) : c[0];
  });
}

Compute cast(NodeReader& n) {
  struct Type {
    int64_t code;
    DType dtype;
  };
  static constexpr Type types[] = {{1, float32}, {2, uint8},    {6, int32},    {7, int64},
                                   {9, boolean}, {10, float32}, {11, float64}, {16, float32}};
  n.ignore("saturate");  // for types of 8 bits
  const int64_t code = n.integer("to", 0);
  const auto* const type = std::ranges::find(types, code, &Type::code);
  n.check(type != std::end(types), "", "element type ", code, " is not supported");
  return one([dtype = type->dtype](const Call& c) { return c[0].to(c.type(dtype)); });
}

Compute cast_like(NodeReader& n) {
  n.ignore("saturate");
  return one([](const Call& c) { return c[0].to(c[1].dtype()); });
}

/// x beyond +-lambda, moved towards 0 by a bias; 0 between.
Compute shrink(NodeReader& n) {
  const double lambda = n.number("lambd", 0.5), bias = n.number("bias", 0);
  return one([lambda, bias](const Call& c) {
    const Tensor kept = hardshrink(c[0], lambda);
    return bias == 0 ? kept : sub(kept, mul(sign(kept), bias));
  });
}

constexpr OpRow elementwise_table[] = {
    {"Add", binary<add>, 2, 2},
    {"Sub", binary<sub>, 2, 2},
    {"Mul", binary<mul>, 2, 2},
    {"Div", binary<divide>, 2, 2},
    {"Pow", binary<power>, 2, 2},
    {"Mod", modulo, 2, 2},
    {"Sum", folded<add>, 1, OpRow::any},
    {"Max", folded<maximum>, 1, OpRow::any},
    {"Min", folded<minimum>, 1, OpRow::any},
    {"Mean", mean_of_inputs, 1, OpRow::any},
    {"Neg", unary<neg>},
    {"Abs", unary<gradus::abs>},
    {"Sign", unary<sign>},
    {"Floor", unary<gradus::floor>},
    {"Ceil", unary<gradus::ceil>},
    {"Round", unary<gradus::round>},
    {"Sqrt", unary<gradus::sqrt>},
    {"Reciprocal", unary<reciprocal>},
    {"Exp", unary<gradus::exp>},
    {"Log", unary<gradus::log>},
    {"Sin", unary<gradus::sin>},
    {"Cos", unary<gradus::cos>},
    {"Tan", unary<gradus::tan>},
    {"Asin", unary<gradus::asin>},
    {"Acos", unary<gradus::acos>},
    {"Atan", unary<gradus::atan>},
    {"Sinh", unary<gradus::sinh>},
    {"Cosh", unary<gradus::cosh>},
    {"Erf", unary<gradus::erf>},
    {"IsNaN", unary<gradus::isnan>},
    {"Equal", binary<eq>, 2, 2},
    {"Greater", binary<gt>, 2, 2},
    {"GreaterOrEqual", binary<ge>, 2, 2},
    {"Less", binary<lt>, 2, 2},
    {"LessOrEqual", binary<le>, 2, 2},
    {"And", binary<logical_and>, 2, 2},
    {"Or", binary<logical_or>, 2, 2},
    {"Xor", binary<exclusive_or>, 2, 2},
    {"Not", unary<logical_not>},
    {"Where",
     [](NodeReader&) { return one([](const Call& c) { return where(c[0], c[1], c[2]); }); }, 3, 3},
    {"Cast", cast},
    {"CastLike", cast_like, 2, 2},
    {"Clip", clip, 1, 3, 0b110},
    {"Relu", unary<relu>},
    {"LeakyRelu", [](NodeReader& n) { return with_number<leaky_relu>(n, "alpha", 0.01); }},
    {"Elu", [](NodeReader& n) { return with_number<elu>(n, "alpha", 1); }},
    {"Celu", [](NodeReader& n) { return with_number<celu>(n, "alpha", 1); }},
    {"Selu", selu_with},
    {"Gelu", gelu_in_form},
    {"PRelu", binary<prelu_with>, 2, 2},
    {"Sigmoid", unary<sigmoid>},
    {"Tanh", unary<gradus::tanh>},
    {"Softplus", unary<soft_plus>},
    {"Softsign", unary<softsign>},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", unary<hardswish>},
    {"Mish", unary<mish>},
    {"ThresholdedRelu",
     [](NodeReader& n) {
       const double alpha = n.number("alpha", 1);
       return one([alpha](const Call& c) { return threshold(c[0], alpha, 0); });
     }},
    {"Shrink", shrink},
    {"Dropout", drop, 1, 3, 0b110},
};

}  // namespace

std::span<const OpRow> elementwise_rows() {
  return elementwise_table;
}

}  // namespace gradus::onnx

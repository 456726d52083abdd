// Elementwise operations and matrix products.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::conformance {
namespace {

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Operand&, const Operand&);

OpFunction unary(Unary f) {
  return [f](const Tensors& x, Options&) { return Tensors{f(x.at(0))}; };
}

/// With one input the other operand is the option `scalar`.
OpFunction binary(Binary f) {
  return [=](const Tensors& x, Options& options) -> Tensors {
    if (x.size() > 1) return {f(x[0], x[1])};
    const double scalar = options.number("scalar");
    const bool comes_first = options.boolean("scalar_first", false);
    return {comes_first ? f(scalar, x.at(0)) : f(x.at(0), scalar)};
  };
}

Tensors clamp_row(const Tensors& x, Options& options) {
  const auto lo = options.optional_number("min"), hi = options.optional_number("max");
  return {clamp(x.at(0), lo, hi)};
}

Tensors where_row(const Tensors& x, Options&) {
  return {where(x.at(0), x.at(1), x.at(2))};
}

Tensors masked_fill_row(const Tensors& x, Options& options) {
  return {masked_fill(x.at(0), x.at(1), options.number("value"))};
}

/// sum(x*x + x) * mean(x) + sum(exp(x*z)): one leaf used several times.
Tensors reuse_row(const Tensors& inputs, Options&) {
  const Tensor &x = inputs.at(0), &z = inputs.at(1);
  return {sum(x * x + x) * mean(x) + sum(exp(x * z))};
}

Tensors softplus_row(const Tensors& x, Options& options) {
  return {softplus(x.at(0), options.number("beta", 1), options.number("threshold", 20))};
}

Tensors gelu_row(const Tensors& x, Options& options) {
  constexpr Word<Gelu> words[] = {{"none", Gelu::exact}, {"tanh", Gelu::tanh}};
  return {gelu(x.at(0), options.choice("approximate", words))};
}

OpFunction isclose_like(bool reduce) {
  return [reduce](const Tensors& x, Options& options) -> Tensors {
    const gradus::Tolerance tolerance{.rtol = options.number("rtol", 1e-5),
                                      .atol = options.number("atol", 1e-8),
                                      .equal_nan = options.boolean("equal_nan", false)};
    const Tensor close = isclose(x.at(0), x.at(1), tolerance);
    return {reduce ? all(close) : close};
  };
}

Tensors leaky_relu_row(const Tensors& x, Options& options) {
  return {leaky_relu(x.at(0), options.number("negative_slope", 0.01))};
}

Tensors elu_row(const Tensors& x, Options& options) {
  return {elu(x.at(0), options.number("alpha", 1))};
}

Tensors hardtanh_row(const Tensors& x, Options& options) {
  const double least = options.number("min_val", -1);
  return {hardtanh(x.at(0), least, options.number("max_val", 1))};
}

Tensors celu_row(const Tensors& x, Options& options) {
  return {celu(x.at(0), options.number("alpha", 1))};
}

Tensors threshold_row(const Tensors& x, Options& options) {
  const double bound = options.number("threshold");
  return {threshold(x.at(0), bound, options.number("value"))};
}

Tensors linear_row(const Tensors& x, Options&) {
  return {linear(x.at(0), x.at(1), x.size() > 2 ? x[2] : Tensor())};
}

Tensors einsum_row(const Tensors& x, Options& options) {
  return {einsum(options.text("equation"), x)};
}

/// A product without options.
OpFunction product(Tensor (*f)(const Tensor&, const Tensor&)) {
  return [f](const Tensors& x, Options&) -> Tensors { return {f(x.at(0), x.at(1))}; };
}

}  // namespace

OpTable elementwise_ops() {
  return {
      {"add", binary(add)},
      {"sub", binary(sub)},
      {"mul", binary(mul)},
      {"div", binary(div)},
      {"pow", binary(pow)},
      {"remainder", binary(remainder)},
      {"maximum", binary(maximum)},
      {"minimum", binary(minimum)},
      {"eq", binary(eq)},
      {"ne", binary(ne)},
      {"lt", binary(lt)},
      {"le", binary(le)},
      {"gt", binary(gt)},
      {"ge", binary(ge)},
      {"neg", unary(neg)},
      {"abs", unary(abs)},
      {"sign", unary(sign)},
      {"floor", unary(floor)},
      {"ceil", unary(ceil)},
      {"round", unary(round)},
      {"trunc", unary(trunc)},
      {"square", unary(square)},
      {"sqrt", unary(sqrt)},
      {"rsqrt", unary(rsqrt)},
      {"reciprocal", unary(reciprocal)},
      {"exp", unary(exp)},
      {"exp2", unary(exp2)},
      {"expm1", unary(expm1)},
      {"log", unary(log)},
      {"log2", unary(log2)},
      {"log1p", unary(log1p)},
      {"sin", unary(sin)},
      {"cos", unary(cos)},
      {"tan", unary(tan)},
      {"asin", unary(asin)},
      {"acos", unary(acos)},
      {"atan", unary(atan)},
      {"sinh", unary(sinh)},
      {"cosh", unary(cosh)},
      {"tanh", unary(tanh)},
      {"sigmoid", unary(sigmoid)},
      {"erf", unary(erf)},
      {"relu", unary(relu)},
      {"silu", unary(silu)},
      {"leaky_relu", leaky_relu_row},
      {"elu", elu_row},
      {"gelu", gelu_row},
      {"hardtanh", hardtanh_row},
      {"relu6", unary(relu6)},
      {"hardsigmoid", unary(hardsigmoid)},
      {"hardswish", unary(hardswish)},
      {"mish", unary(mish)},
      {"selu", unary(selu)},
      {"celu", celu_row},
      {"softsign", unary(softsign)},
      {"tanhshrink", unary(tanhshrink)},
      {"threshold", threshold_row},
      {"logsigmoid", unary(log_sigmoid)},
      {"softplus", softplus_row},
      {"clamp", clamp_row},
      {"where", where_row},
      {"masked_fill", masked_fill_row},
      {"reuse", reuse_row},
      {"isnan", unary(isnan)},
      {"isinf", unary(isinf)},
      {"isfinite", unary(isfinite)},
      {"isclose", isclose_like(false)},
      {"allclose", isclose_like(true)},
      {"logical_and", product(logical_and)},
      {"logical_or", product(logical_or)},
      {"logical_not", unary(logical_not)},
      {"linear", linear_row},
      {"matmul", product(matmul)},
      {"dot", product(dot)},
      {"outer", product(outer)},
      {"bmm", product(bmm)},
      {"einsum", einsum_row},
  };
}

}  // namespace gradus::conformance

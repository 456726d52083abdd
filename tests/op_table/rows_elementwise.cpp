// Elementwise arithmetic and functions.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::op_table {
namespace {

Input input(Values values = Values::any) {
  return {.shape = {3, 4}, .large = {8, 70, 101}, .values = values};
}

Row unary(const char* op, Tensor (*f)(const Tensor&), Values values = Values::any) {
  return {.op = op,
          .form = std::string(op) + "(x)",
          .inputs = {input(values)},
          .call = [f](const Tensors& x) { return f(x[0]); }};
}

Row binary(const char* op, Tensor (*f)(const Operand&, const Operand&),
           Values values = Values::any) {
  return {.op = op,
          .form = std::string(op) + "(a, b)",
          .inputs = {input(values), input(values)},
          .call = [f](const Tensors& x) { return f(x[0], x[1]); }};
}

/// A function of x that is not its name and x alone.
Row form(const char* op, const char* text, Tensor (*call)(const Tensors&),
         Values values = Values::any) {
  return {.op = op, .form = text, .inputs = {input(values)}, .call = call};
}

std::vector<Row> arithmetic() {
  return {
      binary("add", add),
      binary("sub", sub),
      binary("mul", mul),
      binary("div", div),
      binary("pow", pow, Values::positive),
      {.op = "remainder",
       .form = "remainder(a, b)",
       .inputs = {input(), input(Values::positive)},
       .call = [](const Tensors& x) { return remainder(x[0], x[1]); }},
      binary("maximum", maximum),
      binary("minimum", minimum),
      {.op = "expand",
       .form = "a[3,1] * b[4]",
       .inputs = {{.shape = {3, 1}, .large = {300, 1}}, {.shape = {4}, .large = {200}}},
       .call = [](const Tensors& x) { return mul(x[0], x[1]); }},
      {.op = "where",
       .form = "where(mask, a, b)",
       .inputs = {input(Values::mask), input(), input()},
       .call = [](const Tensors& x) { return where(x[0], x[1], x[2]); }},
      {.op = "where",
       .form = "masked_fill(x, mask, 2)",
       .inputs = {input(), input(Values::mask)},
       .call = [](const Tensors& x) { return masked_fill(x[0], x[1], 2); }},
      form("pow", "pow(x, 3)", [](const Tensors& x) { return pow(x[0], 3); }),
      form("pow", "pow(2, x)", [](const Tensors& x) { return pow(2, x[0]); }),
      form("sub", "1 - x", [](const Tensors& x) { return sub(1, x[0]); }),
      form("div", "1 / x", [](const Tensors& x) { return div(1, x[0]); }),
  };
}

std::vector<Row> functions() {
  return {
      unary("neg", neg),
      unary("abs", abs),
      unary("sign", sign),
      unary("floor", floor),
      unary("ceil", ceil),
      unary("round", round),
      unary("trunc", trunc),
      unary("square", square),
      unary("sqrt", sqrt, Values::positive),
      unary("rsqrt", rsqrt, Values::positive),
      unary("reciprocal", reciprocal),
      unary("exp", exp),
      unary("exp2", exp2),
      unary("expm1", expm1),
      unary("log", log, Values::positive),
      unary("log2", log2, Values::positive),
      unary("log1p", log1p, Values::positive),
      unary("sin", sin),
      unary("cos", cos),
      unary("tan", tan, Values::unit),
      unary("asin", asin, Values::unit),
      unary("acos", acos, Values::unit),
      unary("atan", atan),
      unary("sinh", sinh),
      unary("cosh", cosh),
      unary("tanh", tanh),
      unary("sigmoid", sigmoid),
      unary("erf", erf),
      form("clamp", "clamp(x, -0.9, 0.8)", [](const Tensors& x) { return clamp(x[0], -0.9, 0.8); }),
      form("dropout", "dropout(x, 0.4)",
           [](const Tensors& x) {
             Rng generator(3, Stream::dropout);
             return dropout(x[0], 0.4, generator);
           }),
      {.op = "dropout",
       .form = "dropout_channels(x, 0.4)",
       .inputs = {{.shape = {3, 4, 2}, .large = {40, 50, 30}}},
       .call =
           [](const Tensors& x) {
             Rng generator(3, Stream::dropout);
             return dropout_channels(x[0], 0.4, generator);
           }},
      form("clone", "clone(x)", [](const Tensors& x) { return clone(x[0]); }),
      form("contiguous", "contiguous(transpose(x, 0, 1))",
           [](const Tensors& x) { return contiguous(transpose(x[0], 0, 1)); }),
      // Rounds, so differences need a step that is large against the rounding; it is linear.
      {.op = "to",
       .form = "to(to(x, float32), float64)",
       .inputs = {input()},
       .call = [](const Tensors& x) { return to(to(x[0], float32), float64); },
       .step = 8},
  };
}

}  // namespace

std::vector<Row> elementwise_rows() {
  std::vector<Row> list = arithmetic();
  for (Row& row : functions()) list.push_back(std::move(row));
  return list;
}

}  // namespace gradus::op_table

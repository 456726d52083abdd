// Elementwise arithmetic.
#include "apply.h"

namespace gradus {

using namespace ops;

namespace ops {

Tensor compute_binary(const char* op, int place, const Tensor& a, const Tensor& b) {
  Tensor out = Tensor::empty(a.shape(), a.dtype());
  dispatch_number(op, a.dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().binary[place](
        loop_over(out, a, b), out.mutable_data<T>(), a.data<T>(), b.data<T>());
  });
  return out;
}

Tensor mul_or_zero(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("mul_or_zero", a, b);
  return record(
      "mul_or_zero", inputs(x, y), compute<"mul_or_zero">(x, y), saved(x, y),
      [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
        return {wanted[0] ? mul_or_zero(g, s[1]) : Tensor(), wanted[1] ? g * s[0] : Tensor()};
      });
}

Tensor relu_gradient(const Tensor& g, const Tensor& y) {
  return record("relu_gradient", inputs(g, y), compute<"relu_gradient">(g, y), saved(y),
                [](const TensorList& s, const Tensor& u, const Wanted& wanted) -> TensorList {
                  return {wanted[0] ? relu_gradient(u, s[0]) : Tensor(), Tensor()};
                });
}

Tensor indicator(const Tensor& mask, const Tensor& like) {
  return to(mask, like.dtype());
}

}  // namespace ops

// --- Arithmetic ---

Tensor add(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("add", a, b);
  return record("add", inputs(x, y), compute<"add">(x, y), saved(),
                [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList {
                  return {g, g};
                });
}

Tensor sub(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("sub", a, b);
  return record("sub", inputs(x, y), compute<"sub">(x, y), saved(),
                [](const TensorList&, const Tensor& g, const Wanted& wanted) -> TensorList {
                  return {g, wanted[1] ? -g : Tensor()};
                });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("mul", a, b);
  return record("mul", inputs(x, y), compute<"mul">(x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  return {wanted[0] ? g * s[1] : Tensor(), wanted[1] ? g * s[0] : Tensor()};
                });
}

Tensor div(const Tensor& a, const Tensor& b) {
  check_floating("div", a);
  const auto [x, y] = broadcast("div", a, b);
  return record("div", inputs(x, y), compute<"div">(x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor dx = g / s[1];
                  return {dx, wanted[1] ? -(dx * (s[0] / s[1])) : Tensor()};
                });
}

Tensor pow(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("pow", a, b);
  if (!is_floating(x.dtype()) && x.dtype() != uint8 && any(lt(y, 0)).item() != 0) {
    throw ValueError("pow",
                     str("a negative power of a whole number: ", a.dtype(), " ", a.shape(), " and ",
                         b.shape(), " with a ", min(b).item(), " in it"),
                     "whole numbers have no fractions; convert with .to(float32)");
  }
  return record("pow", inputs(x, y), compute<"pow">(x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor &base = s[0], &exponent = s[1];
                  Tensor d_base, d_exponent;
                  if (wanted[0]) {  // b a^(b-1), which is 0 for b = 0 even at a = 0 (or NaN)
                    const Tensor constant = (exponent == 0) & ~(abs(base.detach()) > 0);
                    const Tensor safe = masked_fill(base, constant, 1);
                    const Tensor slope = exponent * pow(safe, exponent - 1);
                    d_base = g * masked_fill(slope, constant, 0);
                  }
                  if (wanted[1]) {  // a^b log a, which is 0 at a = 0
                    const Tensor safe = masked_fill(base, base == 0, 1);
                    d_exponent = g * (pow(safe, exponent) * log(safe));
                  }
                  return {d_base, d_exponent};
                });
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("remainder", a, b);
  require(is_floating(x.dtype()) || any(eq(y, 0)).item() == 0, "remainder",
          "whole numbers have no infinity; convert with .to(float32)",
          "division by zero: ", a.dtype(), " ", a.shape(), " and ", b.shape(), " with a 0 in it");
  return record("remainder", inputs(x, y), compute<"remainder">(x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  return {g, wanted[1] ? -(g * floor(s[0] / s[1])) : Tensor()};
                });
}

namespace {

/// The larger or the smaller of each pair. The gradient goes to the argument that won, or by half
/// to each of two equal ones.
template <Name f, Tensor (*beats)(const Tensor&, const Tensor&)>
Tensor extreme(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast(f.text, a, b);
  return record(f.text, inputs(x, y), compute<f>(x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor tied = mul(indicator(eq(s[0], s[1]), g), 0.5);
                  const auto gradient = [&](const Tensor& self, const Tensor& other) {
                    return mul_or_zero(g, add(indicator(beats(self, other), g), tied));
                  };
                  return {wanted[0] ? gradient(s[0], s[1]) : Tensor(),
                          wanted[1] ? gradient(s[1], s[0]) : Tensor()};
                });
}

}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) {
  return extreme<"maximum", gt>(a, b);
}
Tensor minimum(const Tensor& a, const Tensor& b) {
  return extreme<"minimum", lt>(a, b);
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check_dtype("where", "condition", condition, boolean);
  check_same_dtype("where", a, b);
  const Shape shape =
      broadcast_shapes("where", condition.shape(), broadcast_shapes("where", a.shape(), b.shape()));
  const Tensor c = expand(condition, shape), x = expand(a, shape), y = expand(b, shape);
  Tensor out = Tensor::empty(shape, a.dtype());
  dispatch_number("where", a.dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().where(loop_over(out, c, x, y), out.mutable_data<T>(),
                                                    static_cast<const uint8_t*>(c.raw_data()),
                                                    x.data<T>(), y.data<T>());
  });
  return record("where", inputs(c, x, y), out, saved(c),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor zero = full({}, 0, g.dtype());
                  return {Tensor(), wanted[1] ? where(s[0], g, zero) : Tensor(),
                          wanted[2] ? where(s[0], zero, g) : Tensor()};
                });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  return where(mask, scalar_like("masked_fill", x, value), x);
}

Tensor add(const Tensor& a, double b) {
  return add(a, scalar_like("add", a, b));
}
Tensor sub(const Tensor& a, double b) {
  return sub(a, scalar_like("sub", a, b));
}
Tensor sub(double a, const Tensor& b) {
  return sub(scalar_like("sub", b, a), b);
}
Tensor mul(const Tensor& a, double b) {
  return mul(a, scalar_like("mul", a, b));
}
Tensor div(const Tensor& a, double b) {
  return div(a, scalar_like("div", a, b));
}
Tensor div(double a, const Tensor& b) {
  return div(scalar_like("div", b, a), b);
}
Tensor pow(const Tensor& a, double b) {
  return pow(a, scalar_like("pow", a, b));
}
Tensor pow(double a, const Tensor& b) {
  return pow(scalar_like("pow", b, a), b);
}
Tensor remainder(const Tensor& a, double b) {
  return remainder(a, scalar_like("remainder", a, b));
}
Tensor maximum(const Tensor& a, double b) {
  return maximum(a, scalar_like("maximum", a, b));
}
Tensor minimum(const Tensor& a, double b) {
  return minimum(a, scalar_like("minimum", a, b));
}

}  // namespace gradus

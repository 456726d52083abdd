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
  return record("mul_or_zero", inputs(x, y), compute<"mul_or_zero">(x, y), saved(x, y),
                [](auto& s, auto& g, auto& wanted) {
                  return TensorList{wanted[0] ? mul_or_zero(g, s[1]) : Tensor(),
                                    wanted[1] ? g * s[0] : Tensor()};
                });
}

Tensor relu_gradient(const Tensor& g, const Tensor& y) {
  return record("relu_gradient", inputs(g, y), compute<"relu_gradient">(g, y), saved(y),
                [](auto& s, auto& u, auto& wanted) {
                  return TensorList{wanted[0] ? relu_gradient(u, s[0]) : Tensor(), Tensor()};
                });
}

}  // namespace ops

// --- Arithmetic ---

Tensor add(const Operand& a, const Operand& b) {
  const auto [x, y] = broadcast("add", a, b);
  return record("add", inputs(x, y), compute<"add">(x, y), saved(), [](auto&, auto& g) {
    return TensorList{g, g};
  });
}

Tensor sub(const Operand& a, const Operand& b) {
  const auto [x, y] = broadcast("sub", a, b);
  return record("sub", inputs(x, y), compute<"sub">(x, y), saved(),
                [](auto&, auto& g, auto& wanted) {
                  return TensorList{g, wanted[1] ? -g : Tensor()};
                });
}

Tensor mul(const Operand& a, const Operand& b) {
  const auto [x, y] = broadcast("mul", a, b);
  return record(
      "mul", inputs(x, y), compute<"mul">(x, y), saved(x, y), [](auto& s, auto& g, auto& wanted) {
        return TensorList{wanted[0] ? g * s[1] : Tensor(), wanted[1] ? g * s[0] : Tensor()};
      });
}

Tensor div(const Operand& a, const Operand& b) {
  if (a.tensor == nullptr || b.tensor == nullptr) {
    const auto [p, q] = as_tensors("div", a, b);
    return div(p, q);
  }
  check_floating("div", *a.tensor);
  const auto [x, y] = broadcast("div", a, b);
  return record("div", inputs(x, y), compute<"div">(x, y), saved(x, y),
                [](auto& s, auto& g, auto& wanted) {
                  const Tensor dx = g / s[1];
                  return TensorList{dx, wanted[1] ? -(dx * (s[0] / s[1])) : Tensor()};
                });
}

Tensor pow(const Operand& a, const Operand& b) {
  const auto [p, q] = as_tensors("pow", a, b);
  const auto [x, y] = broadcast("pow", p, q);
  if (!is_floating(x.dtype()) && x.dtype() != uint8 && any(lt(y, 0)).item() != 0) {
    throw ValueError("pow",
                     str("a negative power of a whole number: ", p.dtype(), " ", p.shape(), " and ",
                         q.shape(), " with a ", min(q).item(), " in it"),
                     "whole numbers have no fractions; convert with .to(float32)");
  }
  return record("pow", inputs(x, y), compute<"pow">(x, y), saved(x, y),
                [](auto& s, auto& g, auto& wanted) {
                  const Tensor &base = s[0], &exponent = s[1];
                  TensorList gradients(2);
                  if (wanted[0]) {  // b a^(b-1), which is 0 for b = 0 even at a = 0 (or NaN)
                    const Tensor constant = (exponent == 0) & ~(abs(base.detach()) > 0);
                    const Tensor safe = masked_fill(base, constant, 1);
                    const Tensor slope = exponent * pow(safe, exponent - 1);
                    gradients[0] = g * masked_fill(slope, constant, 0);
                  }
                  if (wanted[1]) {  // a^b log a, which is 0 at a = 0
                    const Tensor safe = masked_fill(base, base == 0, 1);
                    gradients[1] = g * (pow(safe, exponent) * log(safe));
                  }
                  return gradients;
                });
}

Tensor remainder(const Operand& a, const Operand& b) {
  const auto [p, q] = as_tensors("remainder", a, b);
  const auto [x, y] = broadcast("remainder", p, q);
  require(is_floating(x.dtype()) || any(eq(y, 0)).item() == 0, "remainder",
          "whole numbers have no infinity; convert with .to(float32)",
          "division by zero: ", p.dtype(), " ", p.shape(), " and ", q.shape(), " with a 0 in it");
  return record("remainder", inputs(x, y), compute<"remainder">(x, y), saved(x, y),
                [](auto& s, auto& g, auto& wanted) {
                  return TensorList{g, wanted[1] ? -(g * floor(s[0] / s[1])) : Tensor()};
                });
}

namespace {

/// The larger or the smaller of each pair. The gradient goes to the argument that won, or by half
/// to each of two equal ones.
template <Name f, Tensor (*beats)(const Operand&, const Operand&)>
Tensor extreme(const Operand& a, const Operand& b) {
  const auto [x, y] = broadcast(f.text, a, b);
  return record(f.text, inputs(x, y), compute<f>(x, y), saved(x, y),
                [](auto& s, auto& g, auto& wanted) {
                  const Tensor tied = mul(to(eq(s[0], s[1]), g.dtype()), 0.5);
                  const auto gradient = [&](const Tensor& self, const Tensor& other) {
                    return mul_or_zero(g, add(to(beats(self, other), g.dtype()), tied));
                  };
                  return TensorList{wanted[0] ? gradient(s[0], s[1]) : Tensor(),
                                    wanted[1] ? gradient(s[1], s[0]) : Tensor()};
                });
}

}  // namespace

Tensor maximum(const Operand& a, const Operand& b) {
  return extreme<"maximum", gt>(a, b);
}
Tensor minimum(const Operand& a, const Operand& b) {
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
  return record("where", inputs(c, x, y), out, saved(c), [](auto& s, auto& g, auto& wanted) {
    const Tensor zero = full({}, 0, g.dtype());
    return TensorList{Tensor(), wanted[1] ? where(s[0], g, zero) : Tensor(),
                      wanted[2] ? where(s[0], zero, g) : Tensor()};
  });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  return where(mask, scalar_like("masked_fill", x, value), x);
}

}  // namespace gradus

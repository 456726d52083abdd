// Elementwise arithmetic and comparison.
#include "apply.h"

namespace gradus {

using namespace ops;
using kernels::Binary;
using kernels::Comparison;
using kernels::Unary;

namespace ops {

Tensor compute(const char* op, Unary f, const Tensor& x, double p, double q) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  dispatch_number(op, x.dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().unary(f, loop_over(out, x), out.mutable_data<T>(),
                                                    x.data<T>(), p, q);
  });
  return out;
}

Tensor compute_floating(const char* op, Unary f, const Tensor& x, double p, double q) {
  check_floating(op, x);
  return compute(op, f, x, p, q);
}

Tensor compute(const char* op, Binary f, const Tensor& a, const Tensor& b) {
  Tensor out = Tensor::empty(a.shape(), a.dtype());
  dispatch_number(op, a.dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().binary(f, loop_over(out, a, b), out.mutable_data<T>(),
                                                     a.data<T>(), b.data<T>());
  });
  return out;
}

Tensor mul_or_zero(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("mul_or_zero", a, b);
  return record(
      "mul_or_zero", inputs(x, y), compute("mul_or_zero", Binary::mul_or_zero, x, y), saved(x, y),
      [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
        return {wanted[0] ? mul_or_zero(g, s[1]) : Tensor(), wanted[1] ? mul(g, s[0]) : Tensor()};
      });
}

Tensor indicator(const Tensor& mask, const Tensor& like) {
  return to(mask, like.dtype());
}

}  // namespace ops

namespace {

Tensor compare(const char* op, Comparison f, const Tensor& a, const Tensor& b) {
  const NoGrad pause;  // the broadcast of a comparison is not worth a line on the tape
  const auto both = broadcast(op, a, b);
  const Tensor &x = both.first, &y = both.second;
  Tensor out = Tensor::empty(x.shape(), boolean);
  if (x.dtype() == boolean) {  // one byte, 0 or 1: compares like uint8
    kernels::table<kernels::Elementwise<uint8_t>>().compare(
        f, loop_over(out, x, y), out.mutable_data<bool>(),
        static_cast<const uint8_t*>(x.raw_data()), static_cast<const uint8_t*>(y.raw_data()));
    return out;
  }
  dispatch_number(op, x.dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().compare(
        f, loop_over(out, x, y), out.mutable_data<bool>(), x.data<T>(), y.data<T>());
  });
  return out;
}

}  // namespace

// --- Arithmetic ---

Tensor add(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("add", a, b);
  return record("add", inputs(x, y), compute("add", Binary::add, x, y), saved(),
                [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList {
                  return {g, g};
                });
}

Tensor sub(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("sub", a, b);
  return record("sub", inputs(x, y), compute("sub", Binary::sub, x, y), saved(),
                [](const TensorList&, const Tensor& g, const Wanted& wanted) -> TensorList {
                  return {g, wanted[1] ? neg(g) : Tensor()};
                });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("mul", a, b);
  return record("mul", inputs(x, y), compute("mul", Binary::mul, x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  return {wanted[0] ? mul(g, s[1]) : Tensor(), wanted[1] ? mul(g, s[0]) : Tensor()};
                });
}

Tensor div(const Tensor& a, const Tensor& b) {
  check_floating("div", a);
  const auto [x, y] = broadcast("div", a, b);
  return record("div", inputs(x, y), compute("div", Binary::div, x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor dx = div(g, s[1]);
                  return {dx, wanted[1] ? neg(mul(dx, div(s[0], s[1]))) : Tensor()};
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
  return record("pow", inputs(x, y), compute("pow", Binary::pow, x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor &base = s[0], &exponent = s[1];
                  Tensor d_base, d_exponent;
                  if (wanted[0]) {  // b a^(b-1), which is 0 for b = 0 even at a = 0 (or NaN)
                    const Tensor no_number = logical_not(gt(abs(base.detach()), 0));
                    const Tensor constant = logical_and(eq(exponent, 0), no_number);
                    const Tensor safe = masked_fill(base, constant, 1);
                    const Tensor slope = mul(exponent, pow(safe, sub(exponent, 1)));
                    d_base = mul(g, masked_fill(slope, constant, 0));
                  }
                  if (wanted[1]) {  // a^b log a, which is 0 at a = 0
                    const Tensor at_zero = eq(base, 0);
                    const Tensor safe = masked_fill(base, at_zero, 1);
                    d_exponent = mul(g, mul(pow(safe, exponent), log(safe)));
                  }
                  return {d_base, d_exponent};
                });
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("remainder", a, b);
  if (!is_floating(x.dtype()) && any(eq(y, 0)).item() != 0) {
    throw ValueError(
        "remainder",
        str("division by zero: ", a.dtype(), " ", a.shape(), " and ", b.shape(), " with a 0 in it"),
        "whole numbers have no infinity; convert with .to(float32)");
  }
  return record("remainder", inputs(x, y), compute("remainder", Binary::remainder, x, y),
                saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  return {g, wanted[1] ? neg(mul(g, floor(div(s[0], s[1])))) : Tensor()};
                });
}

namespace {

/// Gradient of an argument that won or tied: g, half of it where both are equal, or 0.
Tensor winner_gradient(const Tensor& g, const Tensor& won, const Tensor& tied) {
  return mul_or_zero(g, add(indicator(won, g), mul(indicator(tied, g), 0.5)));
}

}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("maximum", a, b);
  return record("maximum", inputs(x, y), compute("maximum", Binary::maximum, x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor tied = eq(s[0], s[1]);
                  return {wanted[0] ? winner_gradient(g, gt(s[0], s[1]), tied) : Tensor(),
                          wanted[1] ? winner_gradient(g, gt(s[1], s[0]), tied) : Tensor()};
                });
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  const auto [x, y] = broadcast("minimum", a, b);
  return record("minimum", inputs(x, y), compute("minimum", Binary::minimum, x, y), saved(x, y),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor tied = eq(s[0], s[1]);
                  return {wanted[0] ? winner_gradient(g, lt(s[0], s[1]), tied) : Tensor(),
                          wanted[1] ? winner_gradient(g, lt(s[1], s[0]), tied) : Tensor()};
                });
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
                                                    c.data<bool>(), x.data<T>(), y.data<T>());
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

// --- Comparison ---

Tensor eq(const Tensor& a, const Tensor& b) {
  return compare("eq", Comparison::eq, a, b);
}
Tensor ne(const Tensor& a, const Tensor& b) {
  return compare("ne", Comparison::ne, a, b);
}
Tensor lt(const Tensor& a, const Tensor& b) {
  return compare("lt", Comparison::lt, a, b);
}
Tensor le(const Tensor& a, const Tensor& b) {
  return compare("le", Comparison::le, a, b);
}
Tensor gt(const Tensor& a, const Tensor& b) {
  return compare("gt", Comparison::gt, a, b);
}
Tensor ge(const Tensor& a, const Tensor& b) {
  return compare("ge", Comparison::ge, a, b);
}
Tensor eq(const Tensor& a, double b) {
  return eq(a, scalar_like("eq", a, b));
}
Tensor ne(const Tensor& a, double b) {
  return ne(a, scalar_like("ne", a, b));
}
Tensor lt(const Tensor& a, double b) {
  return lt(a, scalar_like("lt", a, b));
}
Tensor le(const Tensor& a, double b) {
  return le(a, scalar_like("le", a, b));
}
Tensor gt(const Tensor& a, double b) {
  return gt(a, scalar_like("gt", a, b));
}
Tensor ge(const Tensor& a, double b) {
  return ge(a, scalar_like("ge", a, b));
}

bool all_finite(const Tensor& x) {
  return dispatch_floating("all_finite", x.dtype(), [&]<class T>() {
    return kernels::table<kernels::Elementwise<T>>().all_finite(loop_over(x), x.data<T>());
  });
}

}  // namespace gradus

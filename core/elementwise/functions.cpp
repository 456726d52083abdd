// Elementwise functions of one tensor: functions_kernel.h has their values and rules.
#include "apply.h"

#include <cmath>
#include <limits>

namespace gradus {

using namespace ops;

namespace ops {

Tensor compute_unary(const char* op, int place, const Tensor& x, const double* constants) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  dispatch_number(op, x.dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().unary(place, loop_over(out, x), out.mutable_data<T>(),
                                                    x.data<T>(), constants);
  });
  return out;
}

Tensor compute_gradient(int place, const Tensor& g, const Tensor& saved, const double* constants) {
  Tensor out = Tensor::empty(g.shape(), g.dtype());
  dispatch_floating("gradient", g.dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().gradient(place, loop_over(out, g, saved),
                                                       out.mutable_data<T>(), g.data<T>(),
                                                       saved.data<T>(), constants);
  });
  return out;
}

}  // namespace ops

Tensor neg(const Tensor& x) {
  return unary<"neg">(x);
}
Tensor abs(const Tensor& x) {
  return unary<"abs">(x);
}
Tensor sign(const Tensor& x) {
  return unary<"sign">(x);
}
Tensor floor(const Tensor& x) {
  return unary<"floor">(x);
}
Tensor ceil(const Tensor& x) {
  return unary<"ceil">(x);
}
Tensor round(const Tensor& x) {
  return unary<"round">(x);
}
Tensor trunc(const Tensor& x) {
  return unary<"trunc">(x);
}
Tensor square(const Tensor& x) {
  return unary<"square">(x);
}
Tensor sqrt(const Tensor& x) {
  return unary<"sqrt">(x);
}
Tensor rsqrt(const Tensor& x) {
  return unary<"rsqrt">(x);
}
Tensor reciprocal(const Tensor& x) {
  return unary<"reciprocal">(x);
}
Tensor exp(const Tensor& x) {
  return unary<"exp">(x);
}
Tensor exp2(const Tensor& x) {
  return unary<"exp2">(x);
}
Tensor expm1(const Tensor& x) {
  return unary<"expm1">(x);
}
Tensor log(const Tensor& x) {
  return unary<"log">(x);
}
Tensor log2(const Tensor& x) {
  return unary<"log2">(x);
}
Tensor log1p(const Tensor& x) {
  return unary<"log1p">(x);
}
Tensor sin(const Tensor& x) {
  return unary<"sin">(x);
}
Tensor cos(const Tensor& x) {
  return unary<"cos">(x);
}
Tensor tan(const Tensor& x) {
  return unary<"tan">(x);
}
Tensor asin(const Tensor& x) {
  return unary<"asin">(x);
}
Tensor acos(const Tensor& x) {
  return unary<"acos">(x);
}
Tensor atan(const Tensor& x) {
  return unary<"atan">(x);
}
Tensor sinh(const Tensor& x) {
  return unary<"sinh">(x);
}
Tensor cosh(const Tensor& x) {
  return unary<"cosh">(x);
}
Tensor tanh(const Tensor& x) {
  return unary<"tanh">(x);
}
Tensor sigmoid(const Tensor& x) {
  return unary<"sigmoid">(x);
}
Tensor erf(const Tensor& x) {
  return unary<"erf">(x);
}

Tensor clamp(const Tensor& x, std::optional<double> lo, std::optional<double> hi) {
  require(lo || hi, "clamp", "give at least one", "neither a lower nor an upper bound is given");
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double low = lo.value_or(-infinity), high = hi.value_or(infinity);
  require(!std::isnan(low) && !std::isnan(high), "clamp", "leave the bound out, or give infinity",
          "a bound is NaN");
  if (is_floating(x.dtype())) return unary<"clamp", "lo", "hi">(x, low, high);
  Tensor y = x;  // infinity has no integer counterpart: bound each side alone
  if (lo) y = maximum(y, *lo);
  return hi ? minimum(y, *hi) : y;
}

}  // namespace gradus

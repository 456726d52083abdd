// Conditions: what an element is, and how conditions combine. None has a gradient.
#include <cmath>
#include <limits>

#include "../op.h"
#include "elementwise_kernel.h"

namespace gradus {

using namespace ops;
using kernels::Binary;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A bool is one byte, 0 or 1: `and` is the smaller one, `or` the larger one.
Tensor combine(const char* op, Binary f, const Tensor& a, const Tensor& b) {
  check_dtype(op, "the first condition", a, boolean);
  check_dtype(op, "the second condition", b, boolean);
  const NoGrad pause;
  const auto both = broadcast(op, a, b);
  const Tensor &x = both.first, &y = both.second;
  Tensor out = Tensor::empty(x.shape(), boolean);
  kernels::table<kernels::Elementwise<uint8_t>>().binary(
      f, loop_over(out, x, y), static_cast<uint8_t*>(out.raw_mutable_data()),
      static_cast<const uint8_t*>(x.raw_data()), static_cast<const uint8_t*>(y.raw_data()));
  return out;
}

/// |x| of a floating tensor, off the tape.
Tensor magnitude(const Tensor& x) {
  return abs(x.detach());
}

}  // namespace

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return combine("logical_and", Binary::minimum, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return combine("logical_or", Binary::maximum, a, b);
}
Tensor logical_not(const Tensor& x) {
  check_dtype("logical_not", "the condition", x, boolean);
  return eq(x, 0);
}

Tensor any(const Tensor& x, const Dims& dims, bool keepdim) {
  check_dtype("any", "the condition", x, boolean);
  return gt(sum(x, dims, keepdim), 0);
}
Tensor all(const Tensor& x, const Dims& dims, bool keepdim) {
  check_dtype("all", "the condition", x, boolean);
  return eq(sum(logical_not(x), dims, keepdim), 0);
}

Tensor isnan(const Tensor& x) {
  return ne(x, x);
}
Tensor isinf(const Tensor& x) {
  return is_floating(x.dtype()) ? eq(magnitude(x), infinity) : full(x.shape(), 0, boolean);
}
Tensor isfinite(const Tensor& x) {
  return is_floating(x.dtype()) ? lt(magnitude(x), infinity) : full(x.shape(), 1, boolean);
}

Tensor isclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance) {
  if (!(tolerance.rtol >= 0) || !(tolerance.atol >= 0)) {
    throw ValueError("isclose", str("rtol is ", tolerance.rtol, ", atol is ", tolerance.atol),
                     "neither may be negative or NaN");
  }
  const NoGrad pause;
  const auto both = broadcast("isclose", a, b);
  const Tensor x = to(both.first, float64), y = to(both.second, float64);
  const Tensor distance = abs(sub(x, y));
  const Tensor allowed = add(mul(abs(y), tolerance.rtol), tolerance.atol);
  // Where an element is infinite, only equality counts: `allowed` is infinite too.
  const Tensor near = logical_and(le(distance, allowed), isfinite(distance));
  const Tensor close = logical_or(eq(x, y), near);
  return tolerance.equal_nan ? logical_or(close, logical_and(isnan(x), isnan(y))) : close;
}

bool allclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance) {
  return all(isclose(a, b, tolerance)).item() != 0;
}

}  // namespace gradus

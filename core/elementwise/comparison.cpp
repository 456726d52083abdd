// Comparison, and what an element is; how conditions combine. None has a gradient.
#include <limits>

#include "apply.h"

namespace gradus {

using namespace ops;

namespace {

/// What choose(table) gives of both, broadcast. A bool is one byte, 0 or 1, and taken for a uint8.
template <class Choose>
Tensor condition(const char* op, const Operand& a, const Operand& b, const Choose& choose) {
  const NoGrad pause;  // the broadcast of a condition is not worth a line on the tape
  const auto both = broadcast(op, a, b);
  const Tensor &x = both.first, &y = both.second;
  Tensor out = Tensor::empty(x.shape(), boolean);
  dispatch_number(op, x.dtype() == boolean ? uint8 : x.dtype(), [&]<class T>() {
    const auto run = [&]<class R>(void (*f)(const kernels::Loop<3>&, R*, const T*, const T*)) {
      f(loop_over(out, x, y), static_cast<R*>(out.raw_mutable_data()),
        static_cast<const T*>(x.raw_data()), static_cast<const T*>(y.raw_data()));
    };
    run(choose(kernels::table<kernels::Elementwise<T>>()));
  });
  return out;
}

template <Name f>
Tensor compare(const Operand& a, const Operand& b) {
  return condition(f.text, a, b, [](const auto& table) {
    return table.compare[decltype(kernels::comparisons)::index_of(f)];
  });
}

template <Name f>
Tensor combine(const char* op, const Tensor& a, const Tensor& b) {
  check_dtype(op, "the first condition", a, boolean);
  check_dtype(op, "the second condition", b, boolean);
  return condition(op, a, b, [](const auto& table) {
    return table.binary[decltype(kernels::binary_functions)::index_of(f)];
  });
}

}  // namespace

Tensor eq(const Operand& a, const Operand& b) {
  return compare<"eq">(a, b);
}
Tensor ne(const Operand& a, const Operand& b) {
  return compare<"ne">(a, b);
}
Tensor lt(const Operand& a, const Operand& b) {
  return compare<"lt">(a, b);
}
Tensor le(const Operand& a, const Operand& b) {
  return compare<"le">(a, b);
}
Tensor gt(const Operand& a, const Operand& b) {
  return compare<"gt">(a, b);
}
Tensor ge(const Operand& a, const Operand& b) {
  return compare<"ge">(a, b);
}

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return combine<"minimum">("logical_and", a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return combine<"maximum">("logical_or", a, b);
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
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return is_floating(x.dtype()) ? eq(abs(x.detach()), infinity) : full(x.shape(), 0, boolean);
}
Tensor isfinite(const Tensor& x) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return is_floating(x.dtype()) ? lt(abs(x.detach()), infinity) : full(x.shape(), 1, boolean);
}

Tensor isclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance) {
  require(tolerance.rtol >= 0 && tolerance.atol >= 0, "isclose", "neither may be negative or NaN",
          "rtol is ", tolerance.rtol, ", atol is ", tolerance.atol);
  const NoGrad pause;
  const auto both = broadcast("isclose", a, b);
  const Tensor x = to(both.first, float64), y = to(both.second, float64);
  const Tensor distance = abs(sub(x, y));
  const Tensor allowed = add(mul(abs(y), tolerance.rtol), tolerance.atol);
  // If an element is infinite, only equality counts: `allowed` is infinite too.
  const Tensor near = logical_and(le(distance, allowed), isfinite(distance));
  const Tensor close = logical_or(eq(x, y), near);
  return tolerance.equal_nan ? logical_or(close, logical_and(isnan(x), isnan(y))) : close;
}

bool allclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance) {
  return all(isclose(a, b, tolerance)).item() != 0;
}

bool all_finite(const Tensor& x) {
  return dispatch_floating("all_finite", x.dtype(), [&]<class T>() {
    return kernels::table<kernels::Elementwise<T>>().all_finite(loop_over(x), x.data<T>());
  });
}

}  // namespace gradus

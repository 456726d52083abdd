// Reductions over any set of dimensions.
#include "../kernels/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common.h"

namespace gradus {

using namespace ops;
using kernels::Fold;

namespace {

/// x folded over (normalized) dims, which stay with size 1.
Tensor compute(const char* op, Fold f, const Tensor& x, const Dims& dims) {
  Tensor out = Tensor::empty(with_ones(x.shape(), dims), x.dtype());
  Shape kept = x.shape(), reduced = Shape::filled(x.dim(), 1);
  for (int64_t dim : dims) {
    const int d = static_cast<int>(dim);
    kept[d] = 1;
    reduced[d] = x.shape()[d];
  }
  const auto kept_loop =
      kernels::make_loop<2>(x.dim(), kept.begin(), {out.strides().begin(), x.strides().begin()});
  const auto reduced_loop = kernels::make_loop<1>(x.dim(), reduced.begin(), {x.strides().begin()});
  dispatch_number(op, x.dtype(), [&]<class T>() {
    kernels::table<kernels::Reduce<T>>().reduce(f, kept_loop, reduced_loop, out.mutable_data<T>(),
                                                x.data<T>());
  });
  return out;
}

/// A result whose reduced dimensions have size 1, with or without them.
Tensor finish(const Tensor& y, const Dims& dims, bool keepdim) {
  return keepdim ? y : reshape(y, without(y.shape(), dims));
}

/// Number of elements that go into each result.
double count(const Shape& shape, const Dims& dims) {
  double n = 1;
  for (int64_t d : dims) n *= static_cast<double>(shape[static_cast<int>(d)]);
  return n;
}

}  // namespace

Tensor sum(const Tensor& input, const Dims& wanted, bool keepdim) {
  const Tensor x = widened(input);
  const Dims dims = normalize_dims("sum", wanted, x.shape());
  struct Reduced {
    Shape shape;
    Dims dims;
  };
  return record(
      Op("sum", static_cast<double>(x.numel())), inputs(x),
      finish(compute("sum", Fold::sum, x, dims), dims, keepdim), saved(), Reduced{x.shape(), dims},
      [](const TensorList&, const Reduced& r, const Tensor& g, const Wanted&) -> TensorList {
        return {expand(reshape(g, with_ones(r.shape, r.dims)), r.shape)};
      });
}

Tensor mean(const Tensor& x, const Dims& wanted, bool keepdim) {
  check_floating("mean", x);
  const Dims dims = normalize_dims("mean", wanted, x.shape());
  return div(sum(x, wanted, keepdim), count(x.shape(), dims));
}

// --- Spread: two passes, never E[x^2] - E[x]^2, which cancels ---

Tensor var(const Tensor& x, const Dims& wanted, double correction, bool keepdim) {
  check_floating("var", x);
  const Dims dims = normalize_dims("var", wanted, x.shape());
  const Tensor deviation = sub(x, mean(x, dims, true));
  const double divisor = std::max(0.0, count(x.shape(), dims) - correction);
  return div(sum(square(deviation), dims, keepdim), divisor);
}

namespace {

/// x to the power p, for x >= 0: at 0 it is 0, and so are all its derivatives.
Tensor power_or_zero(const Tensor& x, double p) {
  const Tensor zero = eq(x, 0);
  const Tensor safe = masked_fill(x, zero, 1);
  return masked_fill(p == 0.5 ? sqrt(safe) : pow(safe, p), zero, 0);
}

}  // namespace

Tensor stddev(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  check_floating("stddev", x);
  return power_or_zero(var(x, dims, correction, keepdim), 0.5);
}

// --- Largest and smallest ---

namespace {

/// Throws where there is nothing to reduce over (normalized) dims.
void check_any(const char* op, const Shape& shape, const Dims& dims) {
  if (count(shape, dims) != 0) return;
  throw ShapeError(op, str("no element to choose from: reducing dimensions ", dims, " of ", shape),
                   "reduce dimensions that are not empty");
}

Tensor extreme(const char* op, Fold f, const Tensor& x, const Dims& wanted, bool keepdim) {
  const Dims dims = normalize_dims(op, wanted, x.shape());
  check_any(op, x.shape(), dims);
  const Tensor y = compute(op, f, x, dims);
  const Tensor out = record(
      Op(f == Fold::max ? "amax" : "amin", static_cast<double>(x.numel())), inputs(x), y,
      saved(x, y), dims,
      [](const TensorList& s, const Dims& over, const Tensor& g, const Wanted&) -> TensorList {
        const Tensor winners = to(eq(s[0], s[1]), g.dtype());
        return {mul(div(g, sum(winners, over, true)), winners)};
      });
  return finish(out, dims, keepdim);
}

}  // namespace

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme("amax", Fold::max, x, dims, keepdim);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme("amin", Fold::min, x, dims, keepdim);
}
Tensor max(const Tensor& x) {
  return extreme("max", Fold::max, x, {}, false);
}
Tensor min(const Tensor& x) {
  return extreme("min", Fold::min, x, {}, false);
}

// --- Norms ---

namespace {

/// For ord < 0: 0 as soon as one magnitude is 0, with gradient 0.
Tensor negative_norm(const Tensor& size, const Dims& dims, double ord, bool keepdim) {
  check_any("norm", size.shape(), normalize_dims("norm", dims, size.shape()));
  const Tensor zero = eq(size, 0);
  const Tensor total = sum(pow(masked_fill(size, zero, 1), ord), dims, keepdim);
  return masked_fill(pow(total, 1 / ord), any(zero, dims, keepdim), 0);
}

}  // namespace

Tensor norm(const Tensor& x, const Dims& dims, double ord, bool keepdim) {
  check_floating("norm", x);
  if (std::isnan(ord)) {
    throw ValueError("norm", "ord is NaN", "it may be any number, and +-infinity");
  }
  if (ord == 2) return power_or_zero(sum(square(x), dims, keepdim), 0.5);
  const Tensor size = abs(x);
  if (ord == 0) return sum(abs(sign(x)), dims, keepdim);
  if (ord == 1) return sum(size, dims, keepdim);
  if (std::isinf(ord)) return ord > 0 ? amax(size, dims, keepdim) : amin(size, dims, keepdim);
  if (ord < 0) return negative_norm(size, dims, ord, keepdim);
  return power_or_zero(sum(power_or_zero(size, ord), dims, keepdim), 1 / ord);
}

// --- Logarithm of a sum of exponentials ---

namespace {

/// The maximum over dims where it is finite, else 0: what the exponents are measured from.
Tensor finite_top(const Tensor& x, const Dims& dims) {
  if (count(x.shape(), dims) == 0) return zeros(with_ones(x.shape(), dims), x.dtype());
  const Tensor top = amax(x, dims, true);
  return masked_fill(top, eq(abs(top), std::numeric_limits<double>::infinity()), 0);
}

Tensor compute_logsumexp(const Tensor& x, const Dims& dims) {
  const NoGrad pause;  // one line on the tape, with a rule of its own
  const Tensor top = finite_top(x, dims);
  return add(log(sum(exp(sub(x, top)), dims, true)), top);
}

}  // namespace

Tensor logsumexp(const Tensor& x, const Dims& wanted, bool keepdim) {
  check_floating("logsumexp", x);
  const Dims dims = normalize_dims("logsumexp", wanted, x.shape());
  const Tensor y = compute_logsumexp(x, dims);
  const Tensor out =
      record(Op("logsumexp", 4.0 * static_cast<double>(x.numel())), inputs(x), y, saved(x, y),
             [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
               return {mul(g, exp(sub(s[0], s[1])))};
             });
  return finish(out, dims, keepdim);
}

}  // namespace gradus

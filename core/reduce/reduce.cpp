// Reductions over any set of dimensions.
#include "reduce_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../op.h"

namespace gradus {

using namespace ops;
using kernels::Fold;

namespace {

/// x folded over (normalized) dims, which stay with size 1; sums are divided by `divisor`.
Tensor compute(const char* op, Fold f, const Tensor& x, const Dims& dims, double divisor = 1) {
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
    kernels::table<kernels::Reduce<T>>().reduce(f, kept_loop, reduced_loop, divisor,
                                                out.mutable_data<T>(), x.data<T>());
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

/// What the rules of sums need: how the input was, and what the sum was divided by.
struct Summed {
  Shape shape;
  Dims dims;
  double divisor;
};

/// A gradient for what Summed describes, with the reduced dimensions as 1.
Tensor with_summed(const Tensor& g, const Summed& s) {
  return reshape(s.divisor == 1 ? g : div(g, s.divisor), with_ones(s.shape, s.dims));
}

/// The sum or the mean of x over (normalized) dims.
Tensor total(const Tensor& x, const Dims& dims, bool keepdim, bool averages) {
  const char* const op = averages ? "mean" : "sum";
  const double divisor = averages ? count(x.shape(), dims) : 1;
  return record(Op(averages ? "mean" : "sum", static_cast<double>(x.numel())), inputs(x),
                finish(compute(op, Fold::sum, x, dims, divisor), dims, keepdim), saved(),
                Summed{x.shape(), dims, divisor},
                [](const TensorList&, const Summed& s, const Tensor& g,
                   const Wanted&) -> TensorList { return {expand(with_summed(g, s), s.shape)}; });
}

}  // namespace

Tensor sum(const Tensor& input, const Dims& wanted, bool keepdim) {
  const Tensor x = widened(input);
  return total(x, normalize_dims("sum", wanted, x.shape()), keepdim, false);
}

Tensor mean(const Tensor& x, const Dims& wanted, bool keepdim) {
  check_floating("mean", x);
  return total(x, normalize_dims("mean", wanted, x.shape()), keepdim, true);
}

namespace ops {

Tensor sum_of_squares(const Tensor& x, const Dims& wanted, double divisor, bool keepdim) {
  const Dims dims = normalize_dims("sum_of_squares", wanted, x.shape());
  return record(
      Op("sum_of_squares", 2.0 * static_cast<double>(x.numel())), inputs(x),
      finish(compute("sum_of_squares", Fold::squares, x, dims, divisor), dims, keepdim), saved(x),
      Summed{x.shape(), dims, divisor},
      [](const TensorList& s, const Summed& how, const Tensor& g, const Wanted&) -> TensorList {
        return {mul(s[0], mul(with_summed(g, how), 2))};
      });
}

Tensor power_or_zero(const Tensor& x, double p) {
  const Tensor zero = eq(x, 0);
  const Tensor safe = masked_fill(x, zero, 1);
  return masked_fill(pow(safe, p), zero, 0);
}

Tensor centred(const Tensor& x, const Dims& dims) {
  const Tensor near_zero = sub(x, mean(x, dims, true));
  return sub(near_zero, mean(near_zero, dims, true));
}

}  // namespace ops

// --- Spread: never E[x^2] - E[x]^2, which cancels ---

namespace {

/// The root of the sum of squares over (normalized) dims; at 0 all its derivatives are 0.
Tensor euclidean(const Tensor& x, const Dims& dims, bool keepdim) {
  const Tensor y = compute("norm", Fold::root_of_squares, x, dims);
  const Tensor out =
      record(Op("norm", 2.0 * static_cast<double>(x.numel())), inputs(x), y, saved(x, y),
             [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
               const Tensor zero = eq(s[1], 0);
               const Tensor direction = div(s[0], masked_fill(s[1], zero, 1));
               return {mul(g, masked_fill(direction, zero, 0))};
             });
  return finish(out, dims, keepdim);
}

double spread_divisor(const Shape& shape, const Dims& dims, double correction) {
  return std::max(0.0, count(shape, dims) - correction);
}

}  // namespace

Tensor var(const Tensor& x, const Dims& wanted, double correction, bool keepdim) {
  check_floating("var", x);
  const Dims dims = normalize_dims("var", wanted, x.shape());
  return sum_of_squares(centred(x, dims), dims, spread_divisor(x.shape(), dims, correction),
                        keepdim);
}

Tensor stddev(const Tensor& x, const Dims& wanted, double correction, bool keepdim) {
  check_floating("stddev", x);
  const Dims dims = normalize_dims("stddev", wanted, x.shape());
  const double divisor = spread_divisor(x.shape(), dims, correction);
  return div(euclidean(centred(x, dims), dims, keepdim), std::sqrt(divisor));
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
        return {div(mul_or_zero(g, winners), sum(winners, over, true))};
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
  if (ord == 2) return euclidean(x, normalize_dims("norm", dims, x.shape()), keepdim);
  if (ord == 0) {  // NaN is not 0 either
    return sum(masked_fill(abs(sign(x)), ne(x, x), 1), dims, keepdim);
  }
  const Tensor size = abs(x);
  if (ord == 1) return sum(size, dims, keepdim);
  if (std::isinf(ord)) return ord > 0 ? amax(size, dims, keepdim) : amin(size, dims, keepdim);
  const Tensor wide = to(size, float64);  // powers leave the range of a float soon
  const Tensor y = ord < 0 ? negative_norm(wide, dims, ord, keepdim)
                           : power_or_zero(sum(power_or_zero(wide, ord), dims, keepdim), 1 / ord);
  return to(y, x.dtype());
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

namespace {

/// The slopes of logsumexp where some of its results are infinite: what is +inf has it all, in
/// equal parts, and what is -inf together has none.
Tensor infinite_softmax(const Tensor& x, const Tensor& y, const Dims& dims) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Tensor infinite = eq(abs(y.detach()), infinity);
  const Tensor winners = to(eq(x, infinity), x.dtype());
  const Tensor share = div(winners, maximum(sum(winners, dims, true), 1));
  return where(infinite, share, exp(sub(masked_fill(x, infinite, 0), masked_fill(y, infinite, 0))));
}

}  // namespace

Tensor logsumexp(const Tensor& x, const Dims& wanted, bool keepdim) {
  check_floating("logsumexp", x);
  const Dims dims = normalize_dims("logsumexp", wanted, x.shape());
  const Tensor y = compute_logsumexp(x, dims);
  const Tensor out = record(
      Op("logsumexp", 4.0 * static_cast<double>(x.numel())), inputs(x), y, saved(x, y), dims,
      [](const TensorList& s, const Dims& over, const Tensor& g, const Wanted&) -> TensorList {
        return {
            mul(g, all_finite(s[1]) ? exp(sub(s[0], s[1])) : infinite_softmax(s[0], s[1], over))};
      });
  return finish(out, dims, keepdim);
}

}  // namespace gradus

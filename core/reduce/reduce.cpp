// Reductions over any set of dimensions.
#include <algorithm>
#include <cmath>

#include "../op_support.h"
#include "reduce_kernel.h"

namespace gradus {

using namespace ops;
using kernels::Fold;

namespace {

/// x folded over (normalized) dims, which stay with size 1; sums are divided by `divisor`.
Tensor folded(const char* op, Fold f, const Tensor& x, const Dims& dims, double divisor = 1) {
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
    kernels::table<kernels::Reduce<T>>().fold[static_cast<size_t>(f)](
        kept_loop, reduced_loop, divisor, out.mutable_data<T>(), x.data<T>());
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

/// What the rules of sums need: the shape of the input, and the divisor of the sum.
struct Summed {
  Shape shape;
  Dims dims;
  double divisor;
  static void describe(auto& options, auto& visit) {
    visit("dims", options.dims);
    if (options.divisor != 1) visit("divisor", options.divisor);
  }
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
                finish(folded(op, Fold::sum, x, dims, divisor), dims, keepdim), saved(),
                Summed{x.shape(), dims, divisor},
                [](auto&, auto& s, auto& g) { return expand(with_summed(g, s), s.shape); });
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
  return record(Op("sum_of_squares", 2.0 * static_cast<double>(x.numel())), inputs(x),
                finish(folded("sum_of_squares", Fold::squares, x, dims, divisor), dims, keepdim),
                saved(x), Summed{x.shape(), dims, divisor},
                [](auto& s, auto& how, auto& g) { return mul(s[0], mul(with_summed(g, how), 2)); });
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

// --- Products ---

Tensor prod(const Tensor& input, int64_t dim, bool keepdim) {
  const Tape::Span span("prod", Option{"dim", dim});
  // A tree of products of halves: its derivative is right where elements are zero, to any order.
  const Tensor x = widened(input);
  const int d = normalize_dim("prod", dim, x.shape());
  Tensor y = x, odd;
  for (int64_t n = y.size(d); n > 1; n /= 2) {
    if (n % 2 == 1) {
      const Tensor last = narrow(y, d, n - 1, 1);
      odd = odd.defined() ? mul(odd, last) : last;
    }
    y = mul(narrow(y, d, 0, n / 2), narrow(y, d, n / 2, n / 2));
  }
  const Dims dims = normalize_dims("prod", {d}, x.shape());
  if (y.size(d) == 0) y = ones(with_ones(x.shape(), dims), x.dtype());
  if (odd.defined()) y = mul(y, odd);
  if (x.size(d) == 1) y = clone(x);
  return finish(y, dims, keepdim);
}

Tensor prod(const Tensor& x) {
  return prod(flatten(x), 0);
}

// --- Spread: never E[x^2] - E[x]^2, which cancels ---

namespace {

/// The root of the sum of squares over (normalized) dims; at 0 all its derivatives are 0.
Tensor euclidean(const Tensor& x, const Dims& dims, bool keepdim) {
  const Tensor y = folded("norm", Fold::root_of_squares, x, dims);
  const Tensor out = record(Op("norm", 2.0 * static_cast<double>(x.numel())), inputs(x), y,
                            saved(x, y), [](auto& s, auto& g) {
                              const Tensor zero = eq(s[1], 0);
                              const Tensor direction = div(s[0], masked_fill(s[1], zero, 1));
                              return mul(g, masked_fill(direction, zero, 0));
                            });
  return finish(out, dims, keepdim);
}

struct Spread {
  Dims dims;
  double correction;
  static void describe(auto& options, auto& visit) {
    visit("dims", options.dims);
    visit("correction", options.correction);
  }
};

double spread_divisor(const Shape& shape, const Dims& dims, double correction) {
  return std::max(0.0, count(shape, dims) - correction);
}

}  // namespace

Tensor var(const Tensor& x, const Dims& wanted, double correction, bool keepdim) {
  const Tape::Span span("var", Spread{wanted, correction});
  check_floating("var", x);
  const Dims dims = normalize_dims("var", wanted, x.shape());
  return sum_of_squares(centred(x, dims), dims, spread_divisor(x.shape(), dims, correction),
                        keepdim);
}

Tensor stddev(const Tensor& x, const Dims& wanted, double correction, bool keepdim) {
  const Tape::Span span("stddev", Spread{wanted, correction});
  check_floating("stddev", x);
  const Dims dims = normalize_dims("stddev", wanted, x.shape());
  const double divisor = spread_divisor(x.shape(), dims, correction);
  return div(euclidean(centred(x, dims), dims, keepdim), std::sqrt(divisor));
}

// --- Largest and smallest ---

namespace {

/// Throws if there is nothing to reduce over (normalized) dims.
void check_any(const char* op, const Shape& shape, const Dims& dims) {
  require<ShapeError>(count(shape, dims) != 0, op, "reduce dimensions that are not empty",
                      "no element to choose from: reducing dimensions ", dims, " of ", shape);
}

Tensor extreme(const char* op, Fold f, const Tensor& x, const Dims& wanted, bool keepdim) {
  const Dims dims = normalize_dims(op, wanted, x.shape());
  check_any(op, x.shape(), dims);
  const Tensor y = folded(op, f, x, dims);
  const Tensor out = record(Op(f == Fold::max ? "amax" : "amin", static_cast<double>(x.numel())),
                            inputs(x), y, saved(x, y), dims, [](auto& s, auto& over, auto& g) {
                              const Tensor winners = to(eq(s[0], s[1]), g.dtype());
                              return div(mul_or_zero(g, winners), sum(winners, over, true));
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
  const Tape::Span span("norm", Option{"ord", ord});
  check_floating("norm", x);
  require(!std::isnan(ord), "norm", "it may be any number, and +-infinity", "ord is NaN");
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

}  // namespace gradus

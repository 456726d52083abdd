// Losses of pairs of numbers.
#include <cmath>
#include <limits>
#include <numbers>

#include "../op.h"

namespace gradus {

using namespace ops;

namespace {

void check_pair(const char* op, const Tensor& input, const Tensor& target) {
  check_floating(op, input);
  check_same_dtype(op, input, target);
  if (input.shape() == target.shape()) return;
  throw ShapeError(op, str("input ", input.shape(), " and target ", target.shape(), " differ"),
                   "a silent broadcast would average the wrong pairs");
}

/// Throws in the name of `op`: `what`, and the first element of x for which `fits` is false.
[[noreturn]] void refuse(const char* op, const char* what, const Tensor& x, const Tensor& fits,
                         const char* hint) {
  const Tensor first = select(nonzero(logical_not(fits)), 0, 0);
  Tensor element = x.detach();
  Shape place;
  for (int64_t index : first.to_vector<int64_t>()) {
    element = select(element, 0, index);
    place.push_back(index);
  }
  throw ValueError(op, str(what, ": ", element.item(), " at ", place, " of ", x.shape()), hint);
}

double least(const Tensor& x) {
  return x.numel() == 0 ? 0 : amin(x.detach()).item();
}
double largest(const Tensor& x) {
  return x.numel() == 0 ? 0 : amax(x.detach()).item();
}

/// losses times a weight that expands to their shape; an undefined one is 1.
Tensor weighted(const char* op, const Tensor& losses, const Tensor& weight) {
  if (!weight.defined()) return losses;
  check_same_dtype(op, losses, weight);
  if (broadcast_shapes(op, losses.shape(), weight.shape()) != losses.shape()) {
    throw ShapeError(
        op,
        str("weight ", weight.shape(), " does not expand to the input's shape ", losses.shape()),
        "sizes must be equal or 1, compared from the last dimension backwards");
  }
  return mul_or_zero(losses, weight);
}

}  // namespace

// --- Differences ---

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  check_pair("mse_loss", input, target);
  const Tensor difference = sub(input, target);
  if (reduction == Reduction::none) return square(difference);
  const auto count = static_cast<double>(difference.numel());
  return sum_of_squares(difference, {}, reduction == Reduction::mean ? count : 1);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  check_pair("l1_loss", input, target);
  return reduced(abs(sub(input, target)), reduction);
}

namespace {

/// d^2 / 2 for |d| < delta, else delta (|d| - delta / 2); its derivative is d, cut off at delta.
Tensor huber(const Tensor& d, double delta) {
  const Tensor size = abs(d.detach()), bounded = minimum(size, delta);
  const Tensor y = mul(bounded, sub(size, mul(bounded, 0.5)));
  return record("huber", inputs(d), y, saved(d), delta,
                [](const TensorList& s, double bound, const Tensor& g,
                   const Wanted&) -> TensorList { return {mul(g, clamp(s[0], -bound, bound))}; });
}

}  // namespace

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberOptions& options) {
  constexpr const char* op = "huber_loss";
  if (!(options.delta > 0)) {
    throw ValueError(op, str("delta must be positive, got ", options.delta),
                     "it is the error from which the loss grows linearly; 1 is usual");
  }
  check_pair(op, input, target);
  return reduced(huber(sub(input, target), options.delta), options.reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1Options& options) {
  constexpr const char* op = "smooth_l1_loss";
  if (!(options.beta >= 0)) {
    throw ValueError(
        op, str("beta must not be negative, got ", options.beta),
        "it is the error from which the loss grows linearly; 1 is usual, 0 is l1_loss()");
  }
  check_pair(op, input, target);
  const Tensor d = sub(input, target);
  const Tensor losses = options.beta == 0 ? abs(d) : div(huber(d, options.beta), options.beta);
  return reduced(losses, options.reduction);
}

// --- Probabilities ---

namespace {

/// log x and log(1 - x), at least -100. The logarithm of 0 is never taken: its slope is infinite.
/// @{
Tensor bounded_log(const Tensor& x) {
  const Tensor zero = eq(x, 0);
  return masked_fill(clamp(log(masked_fill(x, zero, 1)), -100, {}), zero, -100);
}
Tensor bounded_log_of_rest(const Tensor& x) {
  const Tensor one = eq(x, 1);
  return masked_fill(clamp(log1p(neg(masked_fill(x, one, 0))), -100, {}), one, -100);
}
/// @}

Tensor bounded_binary_cross_entropy(const Tensor& x, const Tensor& target) {
  const Tensor p = x.detach(), t = target.detach();
  const Tensor y = neg(add(mul(t, bounded_log(p)), mul(sub(1, t), bounded_log_of_rest(p))));
  return record("binary_cross_entropy", inputs(x, target), y, saved(x, target),
                [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
                  const Tensor &q = s[0], &truth = s[1];
                  Tensor dq, d_truth;
                  if (wanted[0]) {  // bounded as well, so that 0 and 1 have a finite slope
                    constexpr double bound = 1e-12F;  // a float in PyTorch too
                    dq = mul(g, div(sub(q, truth), maximum(mul(sub(1, q), q), bound)));
                  }
                  if (wanted[1]) d_truth = mul(g, sub(bounded_log_of_rest(q), bounded_log(q)));
                  return {dq, d_truth};
                });
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const BinaryCrossEntropyOptions& options) {
  constexpr const char* op = "binary_cross_entropy";
  check_pair(op, input, target);
  if (!(least(input) >= 0 && largest(input) <= 1)) {
    const Tensor x = input.detach();
    refuse(op, "an input is not in [0, 1]", x, logical_and(ge(x, 0), le(x, 1)),
           "apply sigmoid(), or use binary_cross_entropy_with_logits");
  }
  const Tensor losses = bounded_binary_cross_entropy(input, target);
  return reduced(weighted(op, losses, options.weight), options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BceWithLogitsOptions& options) {
  constexpr const char* op = "binary_cross_entropy_with_logits";
  check_pair(op, logits, target);
  const Tensor positive =
      weighted(op, mul_or_zero(log_sigmoid(logits), target), options.pos_weight);
  const Tensor negative = mul_or_zero(log_sigmoid(neg(logits)), sub(1, target));
  const Tensor losses = neg(add(positive, negative));
  return reduced(weighted(op, losses, options.weight), options.reduction);
}

namespace {

/// t (log t - x), and 0 where t is 0 even if x is infinite; the target is t or log t.
Tensor divergence(const Tensor& x, const Tensor& target, bool is_log) {
  const Tensor at_zero = eq(is_log ? exp(target.detach()) : target.detach(), 0);
  const Tensor safe = masked_fill(target, at_zero, is_log ? 0 : 1);
  const Tensor t = is_log ? exp(safe) : safe, log_t = is_log ? safe : log(safe);
  return masked_fill(mul(t, sub(log_t, masked_fill(x, at_zero, 0))), at_zero, 0);
}

}  // namespace

Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options) {
  constexpr const char* op = "kl_div";
  check_pair(op, input, target);
  Tensor losses = divergence(input, target, options.log_target);
  switch (options.reduction) {
    case KlReduction::none:
      return losses;
    case KlReduction::mean:
      return mean(losses);
    case KlReduction::sum:
      return sum(losses);
    case KlReduction::batchmean:
      break;
  }
  if (input.dim() == 0) {
    throw ShapeError(op, "batchmean needs a batch dimension, got an input []",
                     "use Reduction::mean or Reduction::sum");
  }
  return div(sum(losses), static_cast<double>(input.size(0)));
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& variance,
                         const GaussianNllOptions& options) {
  constexpr const char* op = "gaussian_nll_loss";
  if (!(options.eps > 0)) {
    throw ValueError(op, str("eps must be positive, got ", options.eps),
                     "it is the smallest variance; 1e-6 is usual");
  }
  check_pair(op, input, target);
  check_same_dtype(op, input, variance);
  Shape one_each = input.shape();
  if (input.dim() > 0) one_each[input.dim() - 1] = 1;
  if (variance.shape() != input.shape() && variance.shape() != one_each) {
    throw ShapeError(
        op,
        str("expected a variance ", input.shape(), " or ", one_each, ", got ", variance.shape()),
        "one for each element, or one for the last dimension");
  }
  if (!(least(variance) >= 0)) {
    refuse(op, "a variance is negative or NaN", variance, ge(variance.detach(), 0),
           "exp() or softplus() of what a net gives is positive");
  }
  const Tensor raise = sub(clamp(variance.detach(), options.eps, {}), variance.detach());
  const Tensor v = add(variance, raise);
  Tensor losses = mul(add(log(v), square(div(sub(input, target), sqrt(v)))), 0.5);
  if (options.full) losses = add(losses, 0.5 * std::log(2 * std::numbers::pi));
  return reduced(losses, options.reduction);
}

namespace {

/// exp(x) - t x. From x = 1000 on, exp(x) is infinite and decides alone.
Tensor poisson_of_log(const Tensor& x, const Tensor& t) {
  return sub(exp(x), mul_or_zero(clamp(x, {}, 1000), t));
}

/// x - t log(x + eps), without the logarithm where t and x + eps are 0, and with a finite one.
Tensor poisson_of_rate(const Tensor& x, const Tensor& t, double eps) {
  const double largest_number = x.dtype() == float64
                                    ? std::numeric_limits<double>::max()
                                    : static_cast<double>(std::numeric_limits<float>::max());
  const Tensor rate = clamp(add(x, eps), {}, largest_number);
  const Tensor nothing = logical_and(eq(t, 0), eq(rate, 0));
  return sub(x, mul_or_zero(log(masked_fill(rate, nothing, 1)), t));
}

}  // namespace

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNllOptions& options) {
  check_pair("poisson_nll_loss", input, target);
  Tensor losses = options.log_input ? poisson_of_log(input, target)
                                    : poisson_of_rate(input, target, options.eps);
  if (options.full) {
    const Tensor small = le(target, 1);
    const Tensor t = masked_fill(target, small, 1);
    const Tensor stirling =
        add(sub(mul(t, log(t)), t), mul(log(mul(t, 2 * std::numbers::pi)), 0.5));
    losses = add(losses, masked_fill(stirling, small, 0));
  }
  return reduced(losses, options.reduction);
}

// --- Margins ---

namespace {

/// Losses for targets 1 and -1; any other target throws.
Tensor by_sign(const char* op, const Tensor& target, const Tensor& of_one,
               const Tensor& of_minus_one) {
  const Tensor size = abs(target.detach());
  if (target.numel() > 0 && !(least(size) == 1 && largest(size) == 1)) {
    refuse(op, "a target is neither 1 nor -1", target, eq(size, 1),
           "2 * t - 1 makes such targets of zeros and ones");
  }
  return where(gt(target, 0), of_one, of_minus_one);
}

}  // namespace

Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                           const MarginOptions& options) {
  constexpr const char* op = "margin_ranking_loss";
  check_pair(op, a, b);
  check_pair(op, a, target);
  const Tensor losses = clamp(sub(options.margin, mul(target, sub(a, b))), 0, {});
  return reduced(losses, options.reduction);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingOptions& options) {
  constexpr const char* op = "hinge_embedding_loss";
  check_pair(op, input, target);
  const Tensor too_near = clamp(sub(options.margin, input), 0, {});
  return reduced(by_sign(op, target, input, too_near), options.reduction);
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  check_pair("soft_margin_loss", input, target);
  return reduced(neg(log_sigmoid(mul(target, input))), reduction);
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                             const MarginOptions& options) {
  constexpr const char* op = "cosine_embedding_loss";
  check_pair(op, a, b);
  check_same_dtype(op, a, target);
  const bool fits =
      (a.dim() == 2 && target.shape() == Shape{a.size(0)}) || (a.dim() == 1 && target.dim() == 0);
  if (!fits) {
    throw ShapeError(op,
                     str("expected [N,D], [N,D] and a target [N], or [D], [D] and [], got ",
                         a.shape(), ", ", b.shape(), " and ", target.shape()),
                     "samples are rows");
  }
  const Tensor x = to(a, float64), y = to(b, float64);  // products of floats leave their range
  const auto squared_length = [](const Tensor& v) {
    return add(sum_of_squares(v, {-1}, 1), 1e-12);
  };
  const Tensor wide = div(sum(mul(x, y), {-1}), sqrt(mul(squared_length(x), squared_length(y))));
  const Tensor cosine = to(wide, a.dtype());
  const Tensor too_near = clamp(sub(cosine, options.margin), 0, {});
  return reduced(by_sign(op, target, sub(1, cosine), too_near), options.reduction);
}

}  // namespace gradus

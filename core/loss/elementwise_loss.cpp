// Losses of pairs of numbers.
#include <cmath>
#include <limits>
#include <numbers>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// The options of losses without others.
struct ReductionOptions {
  Reduction reduction;
  static void describe(auto& options, auto& visit) {
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};

void check_pair(const char* op, const Tensor& input, const Tensor& target) {
  check_floating(op, input);
  check_same_dtype(op, input, target);
  require<ShapeError>(input.shape() == target.shape(), op,
                      "a silent broadcast would average the wrong pairs", "input ", input.shape(),
                      " and target ", target.shape(), " differ");
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

/// A loss: losses() of a checked pair, to what the reduction asks for.
template <class Options, class F>
Tensor pair_loss(const char* op, const Tensor& input, const Tensor& target, const Options& options,
                 const F& losses) {
  const Tape::Span span(op, options);
  check_pair(op, input, target);
  return reduced(losses(), options.reduction);
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
  require<ShapeError>(broadcast_shapes(op, losses.shape(), weight.shape()) == losses.shape(), op,
                      "sizes must be equal or 1, compared from the last dimension backwards",
                      "weight ", weight.shape(), " does not expand to the input's shape ",
                      losses.shape());
  return mul_or_zero(losses, weight);
}

}  // namespace

// --- Differences ---

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  const Tape::Span span("mse_loss", ReductionOptions{reduction});
  check_pair("mse_loss", input, target);
  const Tensor difference = input - target;
  if (reduction == Reduction::none) return square(difference);
  const auto count = static_cast<double>(difference.numel());
  return sum_of_squares(difference, {}, reduction == Reduction::mean ? count : 1);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pair_loss("l1_loss", input, target, ReductionOptions{reduction},
                   [&] { return abs(input - target); });
}

namespace {

/// d^2 / 2 for |d| < delta, else delta (|d| - delta / 2); its derivative is d, cut off at delta.
Tensor huber(const Tensor& d, double delta) {
  const Tensor size = abs(d.detach()), bounded = minimum(size, delta);
  return record("huber", inputs(d), bounded * (size - bounded * 0.5), saved(d), delta,
                [](auto& s, auto& bound, auto& g) { return g * clamp(s[0], -bound, bound); });
}

}  // namespace

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberOptions& options) {
  constexpr const char* op = "huber_loss";
  require(options.delta > 0, op, "it is the error from which the loss grows linearly; 1 is usual",
          "delta must be positive, got ", options.delta);
  return pair_loss(op, input, target, options,
                   [&] { return huber(input - target, options.delta); });
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1Options& options) {
  constexpr const char* op = "smooth_l1_loss";
  require(options.beta >= 0, op,
          "it is the error from which the loss grows linearly; 1 is usual, 0 is l1_loss()",
          "beta must not be negative, got ", options.beta);
  return pair_loss(op, input, target, options, [&] {
    const Tensor d = input - target;
    return options.beta == 0 ? abs(d) : huber(d, options.beta) / options.beta;
  });
}

// --- Probabilities ---

namespace {

/// log x and log(1 - x), at least -100. The logarithm of 0 is never taken: its slope is infinite.
/// @{
Tensor bounded_log(const Tensor& x) {
  const Tensor zero = x == 0;
  return masked_fill(clamp(log(masked_fill(x, zero, 1)), -100, {}), zero, -100);
}
Tensor bounded_log_of_rest(const Tensor& x) {
  const Tensor one = x == 1;
  return masked_fill(clamp(log1p(-masked_fill(x, one, 0)), -100, {}), one, -100);
}
/// @}

Tensor bounded_binary_cross_entropy(const Tensor& x, const Tensor& target) {
  const Tensor p = x.detach(), t = target.detach();
  const Tensor y = -(t * bounded_log(p) + (1 - t) * bounded_log_of_rest(p));
  return record("binary_cross_entropy", inputs(x, target), y, saved(x, target),
                [](auto& s, auto& g, auto& wanted) -> TensorList {
                  const Tensor &q = s[0], &truth = s[1];
                  Tensor dq, d_truth;
                  if (wanted[0]) {  // bounded as well, so that 0 and 1 have a finite slope
                    constexpr double bound = 1e-12F;  // a float in PyTorch too
                    dq = g * ((q - truth) / maximum((1 - q) * q, bound));
                  }
                  if (wanted[1]) d_truth = g * (bounded_log_of_rest(q) - bounded_log(q));
                  return {dq, d_truth};
                });
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const BinaryCrossEntropyOptions& options) {
  constexpr const char* op = "binary_cross_entropy";
  return pair_loss(op, input, target, options, [&] {
    if (!(least(input) >= 0 && largest(input) <= 1)) {
      const Tensor x = input.detach();
      refuse(op, "an input is not in [0, 1]", x, (x >= 0) & (x <= 1),
             "apply sigmoid(), or use binary_cross_entropy_with_logits");
    }
    return weighted(op, bounded_binary_cross_entropy(input, target), options.weight);
  });
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BceWithLogitsOptions& options) {
  constexpr const char* op = "binary_cross_entropy_with_logits";
  return pair_loss(op, logits, target, options, [&] {
    const Tensor positive =
        weighted(op, mul_or_zero(log_sigmoid(logits), target), options.pos_weight);
    const Tensor negative = mul_or_zero(log_sigmoid(-logits), 1 - target);
    return weighted(op, -(positive + negative), options.weight);
  });
}

namespace {

/// t (log t - x), and 0 where t is 0 even if x is infinite; the target is t or log t.
Tensor divergence(const Tensor& x, const Tensor& target, bool is_log) {
  const Tensor at_zero = (is_log ? exp(target.detach()) : target.detach()) == 0;
  const Tensor safe = masked_fill(target, at_zero, is_log ? 0 : 1);
  const Tensor t = is_log ? exp(safe) : safe, log_t = is_log ? safe : log(safe);
  return masked_fill(t * (log_t - masked_fill(x, at_zero, 0)), at_zero, 0);
}

}  // namespace

Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options) {
  constexpr const char* op = "kl_div";
  const Tape::Span span(op, options);
  check_pair(op, input, target);
  const Tensor losses = divergence(input, target, options.log_target);
  if (options.reduction != KlReduction::batchmean) {
    return reduced(losses, static_cast<Reduction>(options.reduction));
  }
  require<ShapeError>(input.dim() > 0, op, "use Reduction::mean or Reduction::sum",
                      "batchmean needs a batch dimension, got an input []");
  return sum(losses) / static_cast<double>(input.size(0));
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& variance,
                         const GaussianNllOptions& options) {
  constexpr const char* op = "gaussian_nll_loss";
  require(options.eps > 0, op, "it is the smallest variance; 1e-6 is usual",
          "eps must be positive, got ", options.eps);
  return pair_loss(op, input, target, options, [&] {
    check_same_dtype(op, input, variance);
    Shape one_each = input.shape();
    if (input.dim() > 0) one_each[input.dim() - 1] = 1;
    require<ShapeError>(variance.shape() == input.shape() || variance.shape() == one_each, op,
                        "one for each element, or one for the last dimension",
                        "expected a variance ", input.shape(), " or ", one_each, ", got ",
                        variance.shape());
    const Tensor given = variance.detach();
    if (!(least(given) >= 0)) {
      refuse(op, "a variance is negative or NaN", given, given >= 0,
             "exp() or softplus() of what a net gives is positive");
    }
    const Tensor v = variance + (clamp(given, options.eps, {}) - given);
    const Tensor losses = (log(v) + square((input - target) / sqrt(v))) * 0.5;
    return options.full ? losses + 0.5 * std::log(2 * std::numbers::pi) : losses;
  });
}

namespace {

/// exp(x) - t x. From x = 1000 on, exp(x) is infinite and dominates.
Tensor poisson_of_log(const Tensor& x, const Tensor& t) {
  return exp(x) - mul_or_zero(clamp(x, {}, 1000), t);
}

/// x - t log(x + eps), without the logarithm where t and x + eps are 0, and with a finite one.
Tensor poisson_of_rate(const Tensor& x, const Tensor& t, double eps) {
  const double largest_number = x.dtype() == float64
                                    ? std::numeric_limits<double>::max()
                                    : static_cast<double>(std::numeric_limits<float>::max());
  const Tensor rate = clamp(x + eps, {}, largest_number);
  return x - mul_or_zero(log(masked_fill(rate, (t == 0) & (rate == 0), 1)), t);
}

/// Stirling's approximation of log t! for t > 1, else 0.
Tensor stirling(const Tensor& target) {
  const Tensor small = target <= 1, t = masked_fill(target, small, 1);
  return masked_fill(t * log(t) - t + log(t * (2 * std::numbers::pi)) * 0.5, small, 0);
}

}  // namespace

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNllOptions& options) {
  return pair_loss("poisson_nll_loss", input, target, options, [&] {
    const Tensor losses = options.log_input ? poisson_of_log(input, target)
                                            : poisson_of_rate(input, target, options.eps);
    return options.full ? losses + stirling(target) : losses;
  });
}

// --- Margins ---

namespace {

/// Losses for targets 1 and -1; any other target throws.
Tensor by_sign(const char* op, const Tensor& target, const Tensor& of_one,
               const Tensor& of_minus_one) {
  const Tensor size = abs(target.detach());
  if (target.numel() > 0 && !(least(size) == 1 && largest(size) == 1)) {
    refuse(op, "a target is neither 1 nor -1", target, size == 1,
           "2 * t - 1 makes such targets of zeros and ones");
  }
  return where(target > 0, of_one, of_minus_one);
}

}  // namespace

Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                           const MarginOptions& options) {
  constexpr const char* op = "margin_ranking_loss";
  return pair_loss(op, a, b, options, [&] {
    check_pair(op, a, target);
    return clamp(options.margin - target * (a - b), 0, {});
  });
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingOptions& options) {
  constexpr const char* op = "hinge_embedding_loss";
  return pair_loss(op, input, target, options, [&] {
    return by_sign(op, target, input, clamp(options.margin - input, 0, {}));
  });
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pair_loss("soft_margin_loss", input, target, ReductionOptions{reduction},
                   [&] { return -log_sigmoid(target * input); });
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                             const MarginOptions& options) {
  constexpr const char* op = "cosine_embedding_loss";
  return pair_loss(op, a, b, options, [&] {
    check_same_dtype(op, a, target);
    const bool fits =
        (a.dim() == 2 && target.shape() == Shape{a.size(0)}) || (a.dim() == 1 && target.dim() == 0);
    require<ShapeError>(fits, op, "samples are rows",
                        "expected [N,D], [N,D] and a target [N], or [D], [D] and [], got ",
                        a.shape(), ", ", b.shape(), " and ", target.shape());
    const Tensor x = to(a, float64), y = to(b, float64);  // products of floats leave their range
    const auto squared_length = [](const Tensor& v) { return sum_of_squares(v, {-1}, 1) + 1e-12; };
    const Tensor wide = sum(x * y, {-1}) / sqrt(squared_length(x) * squared_length(y));
    const Tensor cosine = to(wide, a.dtype());
    return by_sign(op, target, 1 - cosine, clamp(cosine - options.margin, 0, {}));
  });
}

}  // namespace gradus

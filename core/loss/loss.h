// Losses. Part of ops.h, which includes this.
//
// Input and target have the same shape and type unless stated otherwise: a silent broadcast would
// average the wrong pairs. Losses are elementwise (or one per sample) and then reduced; `mean`
// divides by their number. Names, formulas and defaults are those of torch.nn.functional. Gradients
// flow to every floating-point argument that requires one, including targets and weights.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "../tensor.h"

namespace gradus {

/// How the losses of a batch are reduced: not at all, to their mean, or to their sum.
enum class Reduction { none, mean, sum };

namespace detail {
/// The words for both kinds of reductions, in their order.
inline constexpr std::initializer_list<const char*> reduction_words = {"none", "mean", "sum",
                                                                       "batchmean"};
}  // namespace detail

// --- Classes -------------------------------------------------------------------------------------

/// Options of cross_entropy.
struct CrossEntropyOptions {
  Tensor weight = {};                     ///< [C] or undefined: a factor for each class
  Reduction reduction = Reduction::mean;  ///< `none` gives the targets' shape
  int64_t ignore_index = -100;  ///< targets of this class do not count, in the mean's divisor too
  /// The share of a target that is spread evenly over all classes, in [0, 1] (Szegedy et al., arXiv
  /// 1512.00567).
  double label_smoothing = 0;
  static void describe(auto& options, auto& visit) {
    visit("ignore_index", options.ignore_index);
    visit("label_smoothing", options.label_smoothing);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// Cross entropy between logits [N, C, ...] (or [C]) and int64 classes [N, ...] (or []), or class
/// probabilities of the logits' shape: -weight[t] log softmax(x)[t]. `mean` divides by the sum of
/// the targets' weights (NaN if all are ignored), or for probabilities by the number of samples.
/// Throws IndexError for a class outside [0, C) that is not ignored, ShapeError for a weight of
/// another shape.
Tensor cross_entropy(const Tensor& logits, const Tensor& target,
                     const CrossEntropyOptions& options = {});

/// Options of nll_loss: those of cross_entropy, without smoothing.
struct NllOptions {
  Tensor weight = {};                     ///< [C] or undefined: a factor for each class
  Reduction reduction = Reduction::mean;  ///< `mean` divides by the sum of the targets' weights
  int64_t ignore_index = -100;            ///< targets of this class do not count
  static void describe(auto& options, auto& visit) {
    visit("ignore_index", options.ignore_index);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// The same from log-probabilities, as from log_softmax, and classes.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target,
                const NllOptions& options = {});

/// Options of multi_margin_loss.
struct MultiMarginOptions {
  int64_t p = 1;       ///< power of each term: 1 or 2, else ValueError
  double margin = 1;   ///< the lead of the correct score from which the loss is 0
  Tensor weight = {};  ///< [C] or undefined: a factor for each target's class
  Reduction reduction = Reduction::mean;  ///< over the samples
  static void describe(auto& options, auto& visit) {
    visit("p", options.p);
    visit("margin", options.margin);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// The hinge loss of many classes: the sum over the wrong classes j of
/// max(0, margin - x[target] + x[j])^p, divided by C. Scores [N, C] (or [C]) and int64 classes [N]
/// (or []) (Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based
/// vector machines", JMLR 2, 2001).
Tensor multi_margin_loss(const Tensor& scores, const Tensor& target,
                         const MultiMarginOptions& options = {});

// --- Differences ---------------------------------------------------------------------------------

/// (input - target)^2.
Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean);
/// |input - target|; the gradient is 0 where both are equal.
Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean);

/// Options of smooth_l1_loss.
struct SmoothL1Options {
  Reduction reduction = Reduction::mean;  ///< over the elements
  /// The |d| up to which the loss is quadratic; 0 gives l1_loss, negative throws ValueError.
  double beta = 1;
  static void describe(auto& options, auto& visit) {
    visit("beta", options.beta);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// d^2 / (2 beta) for |d| < beta, else |d| - beta / 2, where d = input - target (Girshick, "Fast
/// R-CNN", arXiv 1504.08083).
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      const SmoothL1Options& options = {});

/// Options of huber_loss.
struct HuberOptions {
  Reduction reduction = Reduction::mean;  ///< over the elements
  double delta = 1;  ///< the |d| up to which the loss is quadratic; positive, else ValueError
  static void describe(auto& options, auto& visit) {
    visit("delta", options.delta);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// d^2 / 2 for |d| < delta, else delta (|d| - delta / 2): smooth_l1_loss times its beta (Huber,
/// "Robust estimation of a location parameter", 1964).
Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberOptions& options = {});

// --- Probabilities -------------------------------------------------------------------------------

/// Options of binary_cross_entropy.
struct BinaryCrossEntropyOptions {
  Tensor weight = {};  ///< a factor for each element; expands to the input's shape; undefined: 1
  Reduction reduction = Reduction::mean;  ///< `mean` divides by the number of elements
  static void describe(auto& options, auto& visit) {
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// -(t log x + (1 - t) log(1 - x)) for probabilities x in [0, 1]; each logarithm is at least -100,
/// so that losses stay finite at 0 and 1. Throws ValueError for other inputs. From logits,
/// binary_cross_entropy_with_logits is exact where this one saturates.
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const BinaryCrossEntropyOptions& options = {});

/// Options of binary_cross_entropy_with_logits.
struct BceWithLogitsOptions {
  Tensor weight = {};  ///< a factor for each element; expands to the input's shape; undefined: 1
  /// A factor for the term of t, for classes with few positives; expands to the input's shape;
  /// undefined: 1.
  Tensor pos_weight = {};
  Reduction reduction = Reduction::mean;  ///< `mean` divides by the number of elements
  static void describe(auto& options, auto& visit) {
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// -(pos_weight t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))), stable for every logit x.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BceWithLogitsOptions& options = {});

/// `batchmean` divides the sum by the size of the first dimension: the divergence per sample, as in
/// mathematics, whereas `mean` divides by the number of elements.
enum class KlReduction { none, mean, sum, batchmean };
/// Options of kl_div.
struct KlDivOptions {
  KlReduction reduction = KlReduction::mean;  ///< `batchmean` is the divergence of a sample
  bool log_target = false;                    ///< the target is log-probabilities too
  static void describe(auto& options, auto& visit) {
    visit("log_target", options.log_target);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// t (log t - x) for log-probabilities x and probabilities t: the terms of the Kullback-Leibler
/// divergence of the target from the input. A target of 0 gives 0, and gradient 0.
Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options = {});

/// Options of gaussian_nll_loss.
struct GaussianNllOptions {
  bool full = false;                      ///< add log(2 pi) / 2, which changes no gradient
  double eps = 1e-6;                      ///< least variance; positive, else ValueError
  Reduction reduction = Reduction::mean;  ///< over the elements
  static void describe(auto& options, auto& visit) {
    visit("full", options.full);
    visit("eps", options.eps);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// (log v + (input - target)^2 / v) / 2 with v = max(variance, eps), the negative logarithm of a
/// normal density (Nix and Weigend, "Estimating the mean and variance of the target probability
/// distribution", ICNN 1994); the gradient ignores the maximum. The variance has the input's shape,
/// or 1 as its last size. Throws ValueError for a negative variance.
Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& variance,
                         const GaussianNllOptions& options = {});

/// Options of poisson_nll_loss.
struct PoissonNllOptions {
  bool log_input = true;  ///< the input is the logarithm of the rate
  bool full = false;      ///< add Stirling's t log t - t + log(2 pi t) / 2 for targets above 1
  double eps = 1e-8;      ///< added to a rate before taking its logarithm
  Reduction reduction = Reduction::mean;  ///< over the elements
  static void describe(auto& options, auto& visit) {
    visit("log_input", options.log_input);
    visit("full", options.full);
    visit("eps", options.eps);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// exp(x) - t x, or x - t log(x + eps) if the input is the rate itself: the negative logarithm of
/// the Poisson probability of a count t, without the term log t!, which `full` approximates.
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNllOptions& options = {});

// --- Margins: targets are 1 and -1 in the input's type (else ValueError) -------------------------

/// Options of margin_ranking_loss and cosine_embedding_loss.
struct MarginOptions {
  /// Ranking: the lead from which the loss is 0. Cosine: the cosine of dissimilar pairs up to which
  /// it is.
  double margin = 0;
  Reduction reduction = Reduction::mean;  ///< over the targets
  static void describe(auto& options, auto& visit) {
    visit("margin", options.margin);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// max(0, margin - t (a - b)): a should be larger for t = 1, smaller for t = -1.
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                           const MarginOptions& options = {});
/// Options of hinge_embedding_loss.
struct HingeEmbeddingOptions {
  double margin = 1;                      ///< the distance from which dissimilar pairs cost nothing
  Reduction reduction = Reduction::mean;  ///< over the elements
  static void describe(auto& options, auto& visit) {
    visit("margin", options.margin);
    visit.choice("reduction", options.reduction, detail::reduction_words);
  }
};
/// x for t = 1, max(0, margin - x) for t = -1; for distances x.
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingOptions& options = {});
/// log(1 + exp(-t x)).
Tensor soft_margin_loss(const Tensor& input, const Tensor& target,
                        Reduction reduction = Reduction::mean);
/// 1 - cos for t = 1, max(0, cos - margin) for t = -1, with the cosine of the angle between a and
/// b, [N, D] and target [N], or [D] and []. 1e-12 is added to the squared lengths.
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                             const MarginOptions& options = {});

}  // namespace gradus

// Losses of classes, composed of other operations: the gradient of cross entropy is that of
// log_softmax (../reduce/softmax.cpp) and of picking the probability of the target.
#include <limits>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// Class indices, one for each position of the scores [N, C, ...] (or [C]).
struct Targets {
  Tensor index;    ///< with the class dimension of size 1; ignored ones read class 0
  Tensor weight;   ///< of each position: the class weight, 0 where ignored; undefined: all are 1
  Tensor ignored;  ///< of each position; undefined: none is
  int class_dim;
};

void check_class_weight(const char* op, const Tensor& weight, const Tensor& scores,
                        const Tensor& target, int64_t classes) {
  if (!weight.defined()) return;
  check_same_dtype(op, scores, weight);
  require<ShapeError>(weight.shape() == Shape{classes}, op,
                      "classes are dimension 1 of the scores, or the only one",
                      "expected a weight [", classes, "], one per class, got ", weight.shape(),
                      ": scores ", scores.shape(), ", target ", target.shape());
}

/// Whether some labels are ignored.
bool check_labels(const char* op, const Tensor& scores, const Tensor& target, int64_t classes,
                  int64_t ignore_index) {
  const Tensor dense = contiguous(target.detach());
  const int64_t* const labels = dense.data<int64_t>();
  bool ignores = false;
  for (int64_t i = 0; i < dense.numel(); ++i) {
    ignores = ignores || labels[i] == ignore_index;
    if (labels[i] == ignore_index || (labels[i] >= 0 && labels[i] < classes)) continue;
    throw IndexError(op,
                     str("label ", labels[i], " at position ", i, " of the target ", target.shape(),
                         " is not a class: scores ", scores.shape()),
                     classes == 0 ? std::string("there are no classes")
                                  : str("classes go from 0 to ", classes - 1, "; ", ignore_index,
                                        " is ignored"));
  }
  return ignores;
}

Targets checked_targets(const char* op, const Tensor& scores, const Tensor& target,
                        const Tensor& weight, int64_t ignore_index) {
  check_floating(op, scores);
  check_dtype(op, "target", target, int64);
  require<ShapeError>(scores.dim() > 0, op, "classes are a dimension",
                      "expected scores [N,C,...] or [C], got []");
  const int class_dim = scores.dim() == 1 ? 0 : 1;
  Shape expected = scores.shape();
  expected.erase(class_dim);
  require<ShapeError>(target.shape() == expected, op, "one class index per sample and position",
                      "expected a target ", expected, " for scores ", scores.shape(), ", got ",
                      target.shape());
  const int64_t classes = scores.shape()[class_dim];
  check_class_weight(op, weight, scores, target, classes);
  const bool ignores = check_labels(op, scores, target, classes, ignore_index);

  Targets t = {.class_dim = class_dim};
  Tensor index = clone(target);  // the caller may overwrite the labels
  if (ignores) {
    const Tensor ignored = eq(target, tensor({ignore_index}, {}));
    index = masked_fill(target, ignored, 0);
    t.weight = unsqueeze(to(eq(ignored, zeros_like(ignored)), scores.dtype()), class_dim);
    t.ignored = unsqueeze(ignored, class_dim);
  }
  t.index = unsqueeze(index, class_dim);
  if (weight.defined()) {
    const Tensor own = reshape(index_select(weight, 0, reshape(index, {-1})), t.index.shape());
    t.weight = ignores ? mul_or_zero(own, t.weight) : own;
  }
  return t;
}

/// Losses per position and their weights, reduced as requested.
Tensor weighted(const Tensor& losses, const Targets& t, Reduction reduction) {
  const Tensor flat = squeeze(losses, t.class_dim);
  if (reduction == Reduction::mean && t.weight.defined()) return div(sum(flat), sum(t.weight));
  return reduced(flat, reduction);
}

/// losses, of the shape of the targets' index, times the weights of positions.
Tensor with_weight(const Tensor& losses, const Targets& t) {
  return t.weight.defined() ? mul_or_zero(losses, t.weight) : losses;
}

Tensor negative_log_likelihood(const Tensor& log_probabilities, const Targets& t) {
  return with_weight(neg(gather(log_probabilities, t.class_dim, t.index)), t);
}

/// losses [N, C, ...] times the weights of the classes, if there are any.
Tensor with_class_weight(const Tensor& losses, const Tensor& weight, int class_dim) {
  if (!weight.defined()) return losses;
  Shape shape = Shape::filled(losses.dim(), 1);
  shape[class_dim] = weight.numel();
  return mul_or_zero(losses, reshape(weight, shape));
}

/// Cross entropy against class probabilities of the logits' shape.
Tensor probability_cross_entropy(const Tensor& logits, const Tensor& target,
                                 const CrossEntropyOptions& options) {
  constexpr const char* op = "cross_entropy";
  const int class_dim = logits.dim() == 1 ? 0 : 1;
  const int64_t classes = logits.shape()[class_dim];
  check_same_dtype(op, logits, target);
  check_class_weight(op, options.weight, logits, target, classes);
  Tensor p = target;
  if (options.label_smoothing > 0) {
    p = add(mul(p, 1 - options.label_smoothing),
            options.label_smoothing / static_cast<double>(classes));
  }
  const Tensor losses = neg(mul_or_zero(log_softmax(logits, class_dim), p));
  return reduced(sum(with_class_weight(losses, options.weight, class_dim), {class_dim}),
                 options.reduction);
}

}  // namespace

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, const NllOptions& options) {
  const Tape::Span span("nll_loss", options);
  const Targets t =
      checked_targets("nll_loss", log_probabilities, target, options.weight, options.ignore_index);
  return weighted(negative_log_likelihood(log_probabilities, t), t, options.reduction);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target,
                     const CrossEntropyOptions& options) {
  constexpr const char* op = "cross_entropy";
  const Tape::Span span(op, options);
  const double smoothing = options.label_smoothing;
  require(smoothing >= 0 && smoothing <= 1, op,
          "it is the share of the target that all classes get; 0.1 is usual",
          "label_smoothing must be in [0, 1], got ", smoothing);
  check_floating(op, logits);
  if (logits.shape() == target.shape() && is_floating(target.dtype()) && logits.dim() > 0) {
    return probability_cross_entropy(logits, target, options);
  }
  const Targets t = checked_targets(op, logits, target, options.weight, options.ignore_index);
  // Ignored classes are not read, so they may be anything.
  const auto none_of_ignored = [&](const Tensor& x) {
    return t.ignored.defined() ? masked_fill(x, t.ignored, 0) : x;
  };
  const Tensor log_probabilities = log_softmax(none_of_ignored(logits), t.class_dim);
  const Tensor hard = negative_log_likelihood(log_probabilities, t);
  if (smoothing == 0) return weighted(hard, t, options.reduction);

  // The smoothed part is a target of 1 / C for every class, with each class's own weight.
  const double classes = static_cast<double>(logits.shape()[t.class_dim]);
  const Tensor all = with_class_weight(neg(log_probabilities), options.weight, t.class_dim);
  const Tensor uniform = none_of_ignored(sum(all, {t.class_dim}, true));
  return weighted(add(mul(hard, 1 - smoothing), mul(uniform, smoothing / classes)), t,
                  options.reduction);
}

Tensor multi_margin_loss(const Tensor& scores, const Tensor& target,
                         const MultiMarginOptions& options) {
  constexpr const char* op = "multi_margin_loss";
  const Tape::Span span(op, options);
  require(options.p == 1 || options.p == 2, op, "1 is the hinge, 2 its square",
          "p must be 1 or 2, got ", options.p);
  require<ShapeError>(scores.dim() <= 2, op, "classes are the last dimension",
                      "expected scores [N,C] or [C], got ", scores.shape());
  constexpr int64_t none_ignored = std::numeric_limits<int64_t>::min();
  const Targets t = checked_targets(op, scores, target, options.weight, none_ignored);
  const Tensor excess = add(sub(scores, gather(scores, t.class_dim, t.index)), options.margin);
  const Tensor right = to(one_hot(target, scores.shape()[t.class_dim]), boolean);
  Tensor terms = masked_fill(clamp(excess, 0, {}), right, 0);
  if (options.p == 2) terms = square(terms);
  const Tensor losses = with_weight(mean(terms, {t.class_dim}, true), t);
  return reduced(squeeze(losses, t.class_dim), options.reduction);
}

}  // namespace gradus

// Losses, under the names of PyTorch's loss modules.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::conformance {
namespace {

Reduction reduction(Options& options) {
  constexpr Word<Reduction> words[] = {
      {"mean", Reduction::mean}, {"sum", Reduction::sum}, {"none", Reduction::none}};
  return options.choice("reduction", words);
}

Tensors cross_entropy_row(const Tensors& x, Options& options) {
  return {cross_entropy(x.at(0), x.at(1),
                        {.weight = options.tensor("weight"),
                         .reduction = reduction(options),
                         .ignore_index = options.integer("ignore_index", -100),
                         .label_smoothing = options.number("label_smoothing", 0)})};
}

Tensors nll_row(const Tensors& x, Options& options) {
  return {nll_loss(x.at(0), x.at(1),
                   {.weight = options.tensor("weight"),
                    .reduction = reduction(options),
                    .ignore_index = options.integer("ignore_index", -100)})};
}

Tensors multi_margin_row(const Tensors& x, Options& options) {
  return {multi_margin_loss(x.at(0), x.at(1),
                            {.p = options.integer("p", 1),
                             .margin = options.number("margin", 1),
                             .weight = options.tensor("weight"),
                             .reduction = reduction(options)})};
}

/// A loss whose only option is the reduction.
OpFunction plain(Tensor (*loss)(const Tensor&, const Tensor&, Reduction)) {
  return [loss](const Tensors& x, Options& options) -> Tensors {
    return {loss(x.at(0), x.at(1), reduction(options))};
  };
}

Tensors smooth_l1_row(const Tensors& x, Options& options) {
  return {smooth_l1_loss(x.at(0), x.at(1),
                         {.reduction = reduction(options), .beta = options.number("beta", 1)})};
}

Tensors huber_row(const Tensors& x, Options& options) {
  return {huber_loss(x.at(0), x.at(1),
                     {.reduction = reduction(options), .delta = options.number("delta", 1)})};
}

Tensors bce_row(const Tensors& x, Options& options) {
  return {binary_cross_entropy(
      x.at(0), x.at(1), {.weight = options.tensor("weight"), .reduction = reduction(options)})};
}

Tensors bce_with_logits_row(const Tensors& x, Options& options) {
  return {binary_cross_entropy_with_logits(x.at(0), x.at(1),
                                           {.weight = options.tensor("weight"),
                                            .pos_weight = options.tensor("pos_weight"),
                                            .reduction = reduction(options)})};
}

Tensors kl_div_row(const Tensors& x, Options& options) {
  constexpr Word<KlReduction> words[] = {{"mean", KlReduction::mean},
                                         {"sum", KlReduction::sum},
                                         {"none", KlReduction::none},
                                         {"batchmean", KlReduction::batchmean}};
  return {kl_div(x.at(0), x.at(1),
                 {.reduction = options.choice("reduction", words),
                  .log_target = options.boolean("log_target", false)})};
}

Tensors gaussian_nll_row(const Tensors& x, Options& options) {
  return {gaussian_nll_loss(x.at(0), x.at(1), x.at(2),
                            {.full = options.boolean("full", false),
                             .eps = options.number("eps", 1e-6),
                             .reduction = reduction(options)})};
}

Tensors poisson_nll_row(const Tensors& x, Options& options) {
  return {poisson_nll_loss(x.at(0), x.at(1),
                           {.log_input = options.boolean("log_input", true),
                            .full = options.boolean("full", false),
                            .eps = options.number("eps", 1e-8),
                            .reduction = reduction(options)})};
}

Tensors hinge_embedding_row(const Tensors& x, Options& options) {
  return {hinge_embedding_loss(
      x.at(0), x.at(1), {.margin = options.number("margin", 1), .reduction = reduction(options)})};
}

/// A loss of two inputs and a target with a margin that is 0 by default.
OpFunction with_margin(Tensor (*loss)(const Tensor&, const Tensor&, const Tensor&,
                                      const MarginOptions&)) {
  return [loss](const Tensors& x, Options& options) -> Tensors {
    return {loss(x.at(0), x.at(1), x.at(2),
                 {.margin = options.number("margin", 0), .reduction = reduction(options)})};
  };
}

}  // namespace

OpTable loss_ops() {
  return {
      {"CrossEntropyLoss", cross_entropy_row},
      {"NLLLoss", nll_row},
      {"MultiMarginLoss", multi_margin_row},
      {"MSELoss", plain(mse_loss)},
      {"L1Loss", plain(l1_loss)},
      {"SmoothL1Loss", smooth_l1_row},
      {"HuberLoss", huber_row},
      {"BCELoss", bce_row},
      {"BCEWithLogitsLoss", bce_with_logits_row},
      {"KLDivLoss", kl_div_row},
      {"GaussianNLLLoss", gaussian_nll_row},
      {"PoissonNLLLoss", poisson_nll_row},
      {"MarginRankingLoss", with_margin(margin_ranking_loss)},
      {"HingeEmbeddingLoss", hinge_embedding_row},
      {"SoftMarginLoss", plain(soft_margin_loss)},
      {"CosineEmbeddingLoss", with_margin(cosine_embedding_loss)},
  };
}

}  // namespace gradus::conformance

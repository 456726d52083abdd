// Losses: functions of gradus (formulas in core/loss/loss.h), and the same with their options as
// objects, under PyTorch's names.
#pragma once

#include "../core/ops.h"

namespace gradus::nn {

using gradus::binary_cross_entropy;
using gradus::binary_cross_entropy_with_logits;
using gradus::cosine_embedding_loss;
using gradus::cross_entropy;
using gradus::gaussian_nll_loss;
using gradus::hinge_embedding_loss;
using gradus::huber_loss;
using gradus::kl_div;
using gradus::l1_loss;
using gradus::margin_ranking_loss;
using gradus::mse_loss;
using gradus::multi_margin_loss;
using gradus::nll_loss;
using gradus::poisson_nll_loss;
using gradus::smooth_l1_loss;
using gradus::soft_margin_loss;

/// A loss with its options: `nn::CrossEntropyLoss loss{{.label_smoothing = 0.1}}; loss(y, t)`.
template <class Options, auto function>
struct Loss {
  Options options = {};  ///< as the function takes them
  /// The function's result for as many tensors as it takes.
  template <class... Tensors>
  Tensor operator()(const Tensors&... tensors) const {
    return function(tensors..., options);
  }
};

/// A loss whose only option is its reduction: `nn::MSELoss{Reduction::sum}(y, t)`.
template <auto function>
struct ReducedLoss {
  Reduction reduction = Reduction::mean;  ///< mean, sum or none
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return function(input, target, reduction);
  }
};

/// The losses under PyTorch's names; each is the function in its second argument.
/// @{
using CrossEntropyLoss = Loss<CrossEntropyOptions, cross_entropy>;
using NLLLoss = Loss<NllOptions, nll_loss>;
using MultiMarginLoss = Loss<MultiMarginOptions, multi_margin_loss>;
using SmoothL1Loss = Loss<SmoothL1Options, smooth_l1_loss>;
using HuberLoss = Loss<HuberOptions, huber_loss>;
using BCELoss = Loss<BinaryCrossEntropyOptions, binary_cross_entropy>;
using BCEWithLogitsLoss = Loss<BceWithLogitsOptions, binary_cross_entropy_with_logits>;
using KLDivLoss = Loss<KlDivOptions, kl_div>;
using GaussianNLLLoss = Loss<GaussianNllOptions, gaussian_nll_loss>;
using PoissonNLLLoss = Loss<PoissonNllOptions, poisson_nll_loss>;
using MarginRankingLoss = Loss<MarginOptions, margin_ranking_loss>;
using HingeEmbeddingLoss = Loss<HingeEmbeddingOptions, hinge_embedding_loss>;
using CosineEmbeddingLoss = Loss<MarginOptions, cosine_embedding_loss>;
using MSELoss = ReducedLoss<mse_loss>;
using L1Loss = ReducedLoss<l1_loss>;
using SoftMarginLoss = ReducedLoss<soft_margin_loss>;
/// @}

}  // namespace gradus::nn

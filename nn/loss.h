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

/// cross_entropy with options: `nn::CrossEntropyLoss loss{{.label_smoothing = 0.1}}; loss(y, t)`.
struct CrossEntropyLoss {
  CrossEntropyOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& logits, const Tensor& target) const {
    return cross_entropy(logits, target, options);
  }
};

/// nll_loss with options.
struct NLLLoss {
  NllOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& log_probabilities, const Tensor& target) const {
    return nll_loss(log_probabilities, target, options);
  }
};

/// mse_loss with options.
struct MSELoss {
  Reduction reduction = Reduction::mean;  ///< mean, sum or none
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return mse_loss(input, target, reduction);
  }
};

/// multi_margin_loss with options.
struct MultiMarginLoss {
  MultiMarginOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& scores, const Tensor& target) const {
    return multi_margin_loss(scores, target, options);
  }
};

/// l1_loss with options.
struct L1Loss {
  Reduction reduction = Reduction::mean;  ///< mean, sum or none
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return l1_loss(input, target, reduction);
  }
};

/// smooth_l1_loss with options.
struct SmoothL1Loss {
  SmoothL1Options options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return smooth_l1_loss(input, target, options);
  }
};

/// huber_loss with options.
struct HuberLoss {
  HuberOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return huber_loss(input, target, options);
  }
};

/// binary_cross_entropy with options.
struct BCELoss {
  BinaryCrossEntropyOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return binary_cross_entropy(input, target, options);
  }
};

/// binary_cross_entropy_with_logits with options.
struct BCEWithLogitsLoss {
  BceWithLogitsOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& logits, const Tensor& target) const {
    return binary_cross_entropy_with_logits(logits, target, options);
  }
};

/// kl_div with options.
struct KLDivLoss {
  KlDivOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return kl_div(input, target, options);
  }
};

/// gaussian_nll_loss with options.
struct GaussianNLLLoss {
  GaussianNllOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& input, const Tensor& target, const Tensor& variance) const {
    return gaussian_nll_loss(input, target, variance, options);
  }
};

/// poisson_nll_loss with options.
struct PoissonNLLLoss {
  PoissonNllOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return poisson_nll_loss(input, target, options);
  }
};

/// margin_ranking_loss with options.
struct MarginRankingLoss {
  MarginOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& a, const Tensor& b, const Tensor& target) const {
    return margin_ranking_loss(a, b, target, options);
  }
};

/// hinge_embedding_loss with options.
struct HingeEmbeddingLoss {
  HingeEmbeddingOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return hinge_embedding_loss(input, target, options);
  }
};

/// soft_margin_loss with options.
struct SoftMarginLoss {
  Reduction reduction = Reduction::mean;  ///< mean, sum or none
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return soft_margin_loss(input, target, reduction);
  }
};

/// cosine_embedding_loss with options.
struct CosineEmbeddingLoss {
  MarginOptions options = {};  ///< as the function takes them
  Tensor operator()(const Tensor& a, const Tensor& b, const Tensor& target) const {
    return cosine_embedding_loss(a, b, target, options);
  }
};

}  // namespace gradus::nn

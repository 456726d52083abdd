// Losses: functions of gradus, and the same with their options as objects.
#pragma once

#include "../core/ops.h"

namespace gradus::nn {

using gradus::cross_entropy;
using gradus::mse_loss;
using gradus::nll_loss;

/// cross_entropy with options: `nn::CrossEntropyLoss loss{{.label_smoothing = 0.1}}; loss(y, t)`.
struct CrossEntropyLoss {
  CrossEntropyOptions options = {};
  Tensor operator()(const Tensor& logits, const Tensor& target) const {
    return cross_entropy(logits, target, options);
  }
};

struct NLLLoss {
  NllOptions options = {};
  Tensor operator()(const Tensor& log_probabilities, const Tensor& target) const {
    return nll_loss(log_probabilities, target, options);
  }
};

struct MSELoss {
  Reduction reduction = Reduction::mean;
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return mse_loss(input, target, reduction);
  }
};

}  // namespace gradus::nn

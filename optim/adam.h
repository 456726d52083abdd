// Adam and AdamW. The update of one element is in all_rules_kernel.h.
#pragma once

#include <array>

#include "optimizer.h"

namespace gradus::optim {

/// Options of Adam; settings out of range throw ValueError.
struct AdamOptions {
  static constexpr const char* type = "Adam";
  double lr = 1e-3;  ///< learning rate, the size of a step; at least 0
  /// Decay rates of the moving averages of the gradient (m) and its square (v), in [0, 1).
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;        ///< added to sqrt(v'); at least 0
  double weight_decay = 0;  ///< L2: adds weight_decay p to the gradient
  double l1_decay = 0;      ///< L1: adds l1_decay sign(p) to the gradient
  bool amsgrad = false;     ///< divide by the largest v so far
  bool maximize = false;    ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const {
    return {{"exp_avg"}, {"exp_avg_sq"}, {.name = "max_exp_avg_sq", .kept = amsgrad}};
  }
};

/// Adaptive moments: m and v are moving averages of g and g^2, p -= lr m' / (sqrt(v') + eps) with
/// both corrected for their start at 0 (Kingma and Ba, arXiv 1412.6980); amsgrad uses the largest v
/// so far (Reddi et al., "On the convergence of Adam and beyond", ICLR 2018).
using Adam = RuleOptimizer<AdamOptions, struct AdamRule>;

/// Options of AdamW; settings out of range throw ValueError.
struct AdamWOptions {
  static constexpr const char* type = "AdamW";
  double lr = 1e-3;  ///< learning rate, the size of a step; at least 0
  /// Decay rates of the moving averages of the gradient (m) and its square (v), in [0, 1).
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;           ///< added to sqrt(v'); at least 0
  double weight_decay = 0.01;  ///< decoupled: p *= 1 - lr weight_decay before the step
  bool amsgrad = false;        ///< divide by the largest v so far
  bool maximize = false;       ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const {
    return {{"exp_avg"}, {"exp_avg_sq"}, {.name = "max_exp_avg_sq", .kept = amsgrad}};
  }
};

/// Adam whose weight decay does not pass through the moments (Loshchilov and Hutter, "Decoupled
/// weight decay regularization", arXiv 1711.05101).
using AdamW = RuleOptimizer<AdamWOptions, struct AdamRule>;

}  // namespace gradus::optim

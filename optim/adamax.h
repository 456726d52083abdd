// Adamax. The update of one element is in all_rules_kernel.h.
#pragma once

#include <array>

#include "optimizer.h"

namespace gradus::optim {

/// Options of Adamax; settings out of range throw ValueError.
struct AdamaxOptions {
  static constexpr const char* type = "Adamax";
  double lr = 2e-3;  ///< learning rate, the size of a step; at least 0
  /// Decay rates of m and u, in [0, 1).
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;        ///< added to |g|; at least 0
  double weight_decay = 0;  ///< L2: added to the gradient, times the parameter
  double l1_decay = 0;      ///< L1: added to the gradient, times the sign of the parameter
  bool maximize = false;    ///< ascend: use the gradient times -1

  std::vector<StateSpec> states() const { return {{"exp_avg"}, {"exp_inf"}}; }
};

/// Adam with the largest gradient in place of the mean square: m = beta1 m + (1 - beta1) g,
/// u = max(beta2 u, |g| + eps), p -= lr / (1 - beta1^t) m / u (Kingma and Ba, arXiv 1412.6980,
/// section 7.1).
using Adamax = RuleOptimizer<AdamaxOptions, struct AdamaxRule>;

}  // namespace gradus::optim
